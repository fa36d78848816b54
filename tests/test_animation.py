"""Animations open again as what they were made from."""

import io
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from anime_models.animation import FORMATS, LARGEST_FPS, animation
from anime_models.drawn_faces import draw_face
from anime_models.errors import ConfigError
from tests.small_models import noise


def frames(count: int, size: tuple[int, int] = (64, 64)) -> list[Image.Image]:
    """One face that becomes another."""
    first, last = (draw_face(identity=identity, size=64).resize(size) for identity in (1, 2))
    return [Image.blend(first, last, index / max(count - 1, 1)) for index in range(count)]


def coarse(picture: Image.Image) -> np.ndarray:
    """Colours without the fine lines, at which the formats save."""
    return np.asarray(picture.resize((16, 16), Image.Resampling.BOX), np.float32)


def opened(data: bytes, image_format: str) -> tuple[list[Image.Image], float]:
    """Frames and duration in seconds."""
    if image_format == "mp4":
        with av.open(io.BytesIO(data), "r") as container:
            stream = container.streams.video[0]
            duration = float((stream.duration or 0) * (stream.time_base or 0))
            return [frame.to_image() for frame in container.decode(stream)], duration
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == image_format.upper()
        shown, milliseconds = [], 0
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            shown.append(image.convert("RGB"))
            milliseconds += image.info.get("duration", 0)
    return shown, milliseconds / 1000


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize(("count", "fps"), [(2, 1), (7, 24), (30, 30), (10, 7), (5, LARGEST_FPS)])
def test_an_animation_has_all_frames_and_lasts_as_long(image_format: str, count: int, fps: int) -> None:
    made = frames(count)
    shown, seconds = opened(animation(made, fps, image_format), image_format)
    assert len(shown) == count
    assert seconds == pytest.approx(count / fps, abs=0.006)
    for wanted, seen in zip(made, shown, strict=True):
        assert np.abs(coarse(wanted) - coarse(seen)).mean() < 3


@pytest.mark.parametrize("image_format", ["gif", "webp"])
def test_gif_and_webp_repeat_for_ever(image_format: str) -> None:
    with Image.open(io.BytesIO(animation(frames(3), 10, image_format))) as image:
        assert image.info["loop"] == 0


def test_an_mp4_plays_in_browsers() -> None:
    with av.open(io.BytesIO(animation(frames(3, (65, 63)), 10, "mp4")), "r") as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 66, 64)


@pytest.mark.parametrize("image_format", FORMATS)
def test_the_same_frames_are_the_same_bytes(image_format: str) -> None:
    assert animation(frames(4), 10, image_format) == animation(frames(4), 10, image_format)


@pytest.mark.parametrize("image_format", FORMATS)
def test_one_frame_will_do(image_format: str) -> None:
    shown, _ = opened(animation(frames(1), 10, image_format), image_format)
    assert len(shown) == 1


@pytest.mark.parametrize(
    ("pictures", "fps", "image_format", "problem"),
    [
        ([], 10, "gif", "0 frames; give 1 to 600"),
        ([noise(1, (16, 16))] * 601, 10, "gif", "601 frames"),
        ([noise(1), noise(1, (32, 32))], 10, "gif", "differ in size"),
        ([noise(1).convert("L")], 10, "gif", "not RGB"),
        ([noise(1, (1025, 16))], 10, "mp4", "the limit is 1024"),
        (frames(2), 0, "gif", "per second is 0; give a whole number from 1 to 50"),
        (frames(2), 51, "webp", "from 1 to 50"),
        (frames(2), 12.5, "mp4", "from 1 to 50"),
        (frames(2), 10, "avi", "no format 'avi'; choose one of: gif, webp, mp4"),
    ],
)
def test_what_cannot_be_animated_is_refused(
    pictures: list[Image.Image], fps: Any, image_format: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        animation(pictures, fps, image_format)
