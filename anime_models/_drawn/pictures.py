"""Whole pictures: one face, or a scene with several."""

import random
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from PIL import Image

from anime_models._drawn.backgrounds import draw_background
from anime_models._drawn.canvas import Canvas
from anime_models._drawn.expressions import EMOTIONS, expression_of
from anime_models._drawn.figure import draw_figure
from anime_models._drawn.looks import look_of, pose_of

Box: TypeAlias = tuple[float, float, float, float]

_FACES_ACROSS = 3.35  # a portrait's width in head units
_IDENTITIES_IN_SCENES = 10_000


def render_face(identity: int, emotion: str | None, sex: str, size: int, seed: int) -> Image.Image:
    """A square portrait of `size` pixels a side."""
    chance = random.Random(f"drawing {identity} {seed}")
    canvas = Canvas.blank((size, size))
    draw_background(canvas, (size, size), random.Random(f"background {identity} {seed}"))
    pose = pose_of(seed, identity)
    unit = size / _FACES_ACROSS * pose.zoom
    centre = size * 0.5 + pose.shift[0] * unit, size * 0.51 + pose.shift[1] * unit
    draw_figure(
        canvas.placed(centre, unit), look_of(identity, sex), expression_of(emotion, seed, identity), pose, chance
    )
    return _lit(canvas.finished(), chance)


def render_scene(seed: int, num_faces: int, size: tuple[int, int]) -> tuple[Image.Image, list[Box]]:
    """Figures side by side before a background, and the boxes of their faces."""
    chance = random.Random(f"scene {seed} {num_faces} {size}")
    canvas = Canvas.blank(size)
    draw_background(canvas, size, chance, places=True)
    boxes = []
    # Smaller figures stand further back, so they are painted first.
    for x, y, unit in sorted(_places(num_faces, size, chance), key=lambda place: place[2]):
        identity, figure_seed = chance.randrange(_IDENTITIES_IN_SCENES), chance.randrange(1 << 30)
        sex, emotion = chance.choice(("female", "female", "male")), chance.choice((None, *EMOTIONS))
        outline = draw_figure(
            canvas.placed((x, y), unit),
            look_of(identity, sex),
            expression_of(emotion, figure_seed, identity),
            pose_of(figure_seed, identity),
            random.Random(f"drawing {identity} {figure_seed}"),
        )
        boxes.append(_box(outline / canvas.factor, size))
    return _lit(canvas.finished(), chance), boxes


def _places(num_faces: int, size: tuple[int, int], chance: random.Random) -> Sequence[tuple[float, float, float]]:
    """A centre (x, y) and a unit, in pixels, for each figure; faces keep clear of each other and of the edges."""
    width, height = size
    slot = width / max(num_faces, 1)
    places = []
    for i in range(num_faces):
        unit = min(slot / 2.7, height / 2.9) * chance.uniform(0.55, 1.0)
        spare = slot / 2 - 1.3 * unit
        x = slot * (i + 0.5) + chance.uniform(-spare, spare)
        # From the knees up at most, and no lower than the chin.
        low, high = max(1.5 * unit, height - 4.5 * unit), max(1.5 * unit, height - 1.2 * unit)
        y = chance.uniform(low, high)
        places.append((x, y, unit))
    return places


def _box(outline: np.ndarray, size: tuple[int, int]) -> Box:
    (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
    width, height = size
    return (
        max(0.0, float(left)),
        max(0.0, float(top)),
        min(float(width), float(right)),
        min(float(height), float(bottom)),
    )


def _lit(image: Image.Image, chance: random.Random) -> Image.Image:
    """The picture in a slightly warmer or cooler, brighter or dimmer light."""
    warmth, brightness = chance.uniform(-0.02, 0.045), chance.uniform(0.96, 1.03)
    factors = (brightness * (1 + warmth), brightness, brightness * (1 - warmth))
    return image.point([min(255, round(value * factor)) for factor in factors for value in range(256)])
