"""From keyframes to an animation: no page in here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from anime_models.animation import animation
from anime_models.arguments import whole_number
from anime_models.enlargement import enlarge
from anime_models.errors import ConfigError
from anime_models.latents import MAX_FRAMES, interpolation
from anime_models.permalinks import FacePoint
from apps.demo.generate.laboratory import Laboratory
from apps.demo.generate.rendering import SCALE

MAX_KEYFRAMES = 12
MAX_FRAMES_PER_STEP = 120
ENDINGS = {"GIF": "gif", "MP4": "mp4", "WebP": "webp"}


@dataclass(frozen=True)
class AnimationSettings:
    """How keyframes become an animation.

    Attributes:
        frames_per_step: from one keyframe to the next.
        fps: frames per second.
        loop: whether it goes on from the last keyframe to the first.
        ending: ``gif``, ``mp4`` or ``webp``.
    """

    frames_per_step: int = 24
    fps: int = 20
    loop: bool = True
    ending: str = "gif"


def num_frames(num_keyframes: int, settings: AnimationSettings) -> int:
    """How many frames an animation has.

    Raises:
        ConfigError: there are too few or too many keyframes or frames.
    """
    if not 2 <= num_keyframes <= MAX_KEYFRAMES:
        raise ConfigError(f"An animation passes 2 to {MAX_KEYFRAMES} faces; these are {num_keyframes}.")
    whole_number("number of frames per step", settings.frames_per_step, 1, MAX_FRAMES_PER_STEP)
    steps = num_keyframes if settings.loop else num_keyframes - 1
    frames = steps * settings.frames_per_step + (0 if settings.loop else 1)
    if frames > MAX_FRAMES:
        raise ConfigError(
            f"{num_keyframes} faces with {settings.frames_per_step} frames per step make {frames} frames; the limit is "
            f"{MAX_FRAMES}. Take fewer frames per step or fewer faces."
        )
    return frames


def animate(
    laboratory: Laboratory,
    points: Sequence[FacePoint],
    settings: AnimationSettings,
    on_progress: Callable[[int, int], None] | None = None,
) -> bytes:
    """The bytes of an animation that passes through faces.

    Args:
        laboratory: the generator.
        points: 2 to `MAX_KEYFRAMES` faces.
        settings: length, speed and format.
        on_progress: told how many of all frames are drawn.

    Raises:
        ConfigError: too few or too many faces or frames, or an unknown format.
    """
    count = num_frames(len(points), settings)
    generator = laboratory.generator
    frames: list[Image.Image] = []
    for latent in interpolation([generator.latent_at(point) for point in points], count, loop=settings.loop):
        if on_progress:
            on_progress(len(frames), count)
        frames.append(enlarge(generator.images(latent[None])[0], SCALE))
    return animation(frames, settings.fps, settings.ending)
