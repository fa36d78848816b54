"""Manga's signs of emotion: flushes and shadows on the skin, tears, drops and symbols in front of all."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from anime_models._drawn.canvas import Canvas, Clip, Colour
from anime_models._drawn.eyes import EYE_X, EYE_Y
from anime_models._drawn.shapes import Points, arc, ellipse, ribbon, spline, swelling

_BLUSH: Colour = (255, 104, 112)
_WATER: Colour = (206, 236, 255)
_WATER_LINE: Colour = (98, 158, 214)


def draw_flush(canvas: Canvas, face: Clip, strength: float) -> None:
    """Redden the cheeks; a strong flush reaches over the nose."""
    for side in (-1, 1):
        canvas.glow((side * 0.53, 0.58), (0.34, 0.22), _BLUSH, 0.78 * strength, face)
    if strength > 0.7:
        canvas.glow((0, 0.5), (0.75, 0.24), _BLUSH, 0.5, face)


def draw_skin_marks(canvas: Canvas, face: Clip, names: tuple[str, ...]) -> None:
    """Shadows and pallor, under the eyes and mouth."""
    for name in names:
        if name in _SKIN_MARKS:
            _SKIN_MARKS[name](canvas, face)


def draw_front_marks(canvas: Canvas, names: tuple[str, ...], side: int) -> None:
    """Symbols in front of face and hair; `side` is the one, -1 or 1, where single marks go."""
    for name in names:
        if name in _FRONT_MARKS:
            _FRONT_MARKS[name](canvas, side)


def _dark_face(canvas: Canvas, face: Clip) -> None:
    canvas.flood(face, (88, 36, 96), 0.2)
    canvas.fade(face, (0, -0.5), (0, 0.75), (52, 14, 66), 0.92)


def _pale(canvas: Canvas, face: Clip) -> None:
    canvas.flood(face, (190, 206, 250), 0.35)
    canvas.fade(face, (0, -0.55), (0, 0.5), (84, 100, 190), 0.9)


def _eye_strain(canvas: Canvas, _: Clip) -> None:
    for side in (-1, 1):
        for x, length in ((-0.12, 0.1), (-0.04, 0.14), (0.04, 0.13), (0.12, 0.09)):
            top = np.array([side * EYE_X + x, EYE_Y + 0.36])
            canvas.stroke(np.linspace(top, top + np.array([0.0, length]), 6), 0.02, (104, 34, 92), (1, 0.8, 0))


def _vein(canvas: Canvas, side: int) -> None:
    centre = np.array([side * 0.72, -0.72])
    turns = [0.2 * side + quarter * math.pi / 2 for quarter in range(4)]
    curve = arc((0.055, 0.24), (0.05, 0.05), (0.24, 0.055))
    for width, colour in ((0.15, (255, 255, 255)), (0.085, (216, 34, 50))):
        for turn in turns:
            matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
            canvas.stroke(centre + curve @ matrix.T, width, colour, (0.35, 1.0, 0.35))


def _furrow(canvas: Canvas, _: int) -> None:
    for side in (-1, 1):
        line = spline(((side * 0.06, -0.09), (side * 0.045, -0.02), (side * 0.075, 0.06)))
        canvas.stroke(line, 0.022, (150, 60, 60))


def _puff(canvas: Canvas, side: int) -> None:
    _cloud(canvas, (side * 0.62, 0.78), 0.15, side)


def _steam(canvas: Canvas, side: int) -> None:
    for x, y, size in ((0.95, -1.18, 0.17), (-0.82, -1.3, 0.13)):
        _cloud(canvas, (side * x, y), size, side)


def _cloud(canvas: Canvas, centre: tuple[float, float], size: float, side: int) -> None:
    bumps = [
        ellipse((centre[0] + side * dx * size, centre[1] + dy * size), (r * size, r * size)) for dx, dy, r in _BUMPS
    ]
    for bump in bumps:
        middle = bump.mean(axis=0)
        canvas.fill(middle + (bump - middle) * (1 + 0.09 / size * 0.25), (150, 140, 160))
    for bump in bumps:
        canvas.fill(bump, (255, 255, 255))


_BUMPS = ((0, 0, 0.7), (0.7, -0.25, 0.6), (0.2, -0.6, 0.55), (1.1, 0.2, 0.4))


def _drop(canvas: Canvas, x: float, y: float, size: float, lean: float = 0.0) -> None:
    """A drop of sweat or a tear, its point up."""
    outline = spline(
        ((0, -1.3), (0.2, -0.7), (0.58, 0.05), (0.42, 0.62), (0, 0.82), (-0.42, 0.62), (-0.58, 0.05), (-0.2, -0.7)),
        closed=True,
    )
    outline = outline + np.stack((lean * -outline[:, 1], np.zeros(len(outline))), axis=1)
    shape = np.array([x, y]) + outline * size
    canvas.fill(shape, _WATER)
    canvas.fill(np.array([x, y]) + ellipse((0.16, 0.3), (0.16, 0.24)) * size, (255, 255, 255))
    canvas.contour(shape, 0.024, _WATER_LINE)


def _sweat(canvas: Canvas, side: int) -> None:
    _drop(canvas, side * 0.86, -0.2, 0.19, 0.25 * side)


def _second_sweat(canvas: Canvas, side: int) -> None:
    _drop(canvas, -side * 0.78, -0.38, 0.14, -0.25 * side)
    _drop(canvas, -side * 0.9, 0.16, 0.11, -0.25 * side)


def _tears(canvas: Canvas, _: int) -> None:
    for side in (-1, 1):
        _drop(canvas, side * 0.6, 0.68, 0.12)
        _bead(canvas, side)


def _corner_tears(canvas: Canvas, _: int) -> None:
    for side in (-1, 1):
        _bead(canvas, side)


def _bead(canvas: Canvas, side: int) -> None:
    bead = ellipse((side * (EYE_X + 0.22), EYE_Y + 0.2), (0.085, 0.075))
    canvas.fill(bead, _WATER)
    canvas.contour(bead, 0.02, _WATER_LINE)
    canvas.fill(ellipse((side * (EYE_X + 0.22) - 0.025, EYE_Y + 0.18), (0.026, 0.024)), (255, 255, 255))


def _brimming(canvas: Canvas, _: int) -> None:
    for side in (-1, 1):
        pool = spline(
            ((-0.22, 0.2), (-0.1, 0.235), (0.08, 0.235), (0.24, 0.15), (0.2, 0.27), (0, 0.32), (-0.18, 0.28)),
            closed=True,
        )
        shape = np.stack((side * (EYE_X + pool[:, 0]), EYE_Y + pool[:, 1]), axis=1)
        canvas.fill(shape, _WATER, 0.85)
        canvas.contour(shape, 0.016, _WATER_LINE)


def _streams(canvas: Canvas, _: int) -> None:
    for side in (-1, 1):
        for x, start, end in ((0.15, 0.22, 0.66), (-0.1, 0.28, 0.88)):
            top = side * (EYE_X + x)
            _stream(canvas, spline(((top, EYE_Y + start), (top + 0.03 * side, 0.6), (top - 0.01 * side, end))))


def _stream(canvas: Canvas, path: Points) -> None:
    """Running tears: a band that ends in a round drop."""
    end = (path[-1, 0], path[-1, 1])
    for extra, colour in ((0.016, _WATER_LINE), (0.0, _WATER)):
        canvas.fill(ribbon(path, swelling(len(path), (0.07, 0.09, 0.1)) + 2 * extra), colour)
        canvas.fill(ellipse(end, (0.056 + extra, 0.062 + extra)), colour)
    canvas.stroke(path, 0.028, (255, 255, 255), (0.2, 1, 0.2))


def _blush_lines(canvas: Canvas, _: int) -> None:
    for side in (-1, 1):
        for i in range(4):
            foot = np.array([side * (0.38 + 0.09 * i) - 0.03, 0.73 - 0.025 * i])
            canvas.stroke(np.linspace(foot, foot + np.array([0.06, -0.13]), 6), 0.026, (224, 62, 84), (0.4, 1, 0.4))
    for i in range(3):
        foot = np.array([-0.1 + 0.075 * i, 0.56])
        canvas.stroke(np.linspace(foot, foot + np.array([0.045, -0.09]), 6), 0.022, (224, 62, 84), (0.4, 1, 0.4))


def _gloom(canvas: Canvas, side: int) -> None:
    for i, length in enumerate((0.32, 0.46, 0.38, 0.54, 0.3)):
        top = np.array([side * (0.28 + 0.115 * i), -0.78 + 0.05 * i])
        canvas.stroke(np.linspace(top, top + np.array([0.0, length]), 8), 0.026, (58, 64, 140), (1, 1, 0))


def _shiver(canvas: Canvas, _: int) -> None:
    for side in (-1, 1):
        for x, low, high in ((1.17, -0.1, 0.5), (1.3, 0.0, 0.4)):
            heights = np.linspace(low, high, 7)
            waves = np.stack((side * (x + 0.035 * np.cos(np.pi * np.arange(7))), heights), axis=1)
            canvas.stroke(spline(waves), 0.03, (255, 255, 255), (0.6, 1.6, 0.6))
            canvas.stroke(spline(waves), 0.028, (58, 64, 140), (0.5, 1, 0.5))


def _sparkles(canvas: Canvas, side: int) -> None:
    for x, y, size in ((1.2, -0.82, 0.2), (-1.28, -0.5, 0.13), (1.36, -0.48, 0.1)):
        angles = np.arange(8) * math.pi / 4
        radii = np.where(np.arange(8) % 2 == 0, 1.0, 0.26) * size
        star = np.stack((side * x + radii * np.sin(angles), y - radii * np.cos(angles)), axis=1)
        centre = np.array([side * x, y])
        canvas.fill(centre + (star - centre) * 1.3, (255, 176, 60))
        canvas.fill(star, (255, 246, 184))


_SKIN_MARKS: Mapping[str, Callable[[Canvas, Clip], None]] = MappingProxyType(
    {"dark_face": _dark_face, "pale": _pale, "eye_strain": _eye_strain}
)
_FRONT_MARKS: Mapping[str, Callable[[Canvas, int], None]] = MappingProxyType(
    {
        "vein": _vein,
        "furrow": _furrow,
        "puff": _puff,
        "steam": _steam,
        "sweat": _sweat,
        "second_sweat": _second_sweat,
        "tears": _tears,
        "corner_tears": _corner_tears,
        "brimming": _brimming,
        "streams": _streams,
        "blush_lines": _blush_lines,
        "gloom": _gloom,
        "shiver": _shiver,
        "sparkles": _sparkles,
    }
)
