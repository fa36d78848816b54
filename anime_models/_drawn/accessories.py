"""What a character wears on the head."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from anime_models._drawn.bows import draw_bow
from anime_models._drawn.canvas import Canvas, ink_of, mix, tint
from anime_models._drawn.eyes import EYE_X, EYE_Y
from anime_models._drawn.hair import Lock, draw_lock, front_paint
from anime_models._drawn.looks import Look
from anime_models._drawn.shapes import Points, arc, ellipse, spline


def draw_behind_head(canvas: Canvas, look: Look) -> None:
    """Paint what sticks out from behind the hair."""
    if look.accessory == "cat_ears":
        _cat_ears(canvas, look)


def draw_on_head(canvas: Canvas, look: Look, light: int) -> None:
    """Paint the accessory, the cowlick and the bows of tied hair."""
    if look.ahoge:
        _ahoge(canvas, look, light)
    if look.hair_style == "twin_tails":
        for side in (-1, 1):
            draw_bow(canvas, (side * 0.97, -0.72), 0.24, look.accessory_colour, -0.5 * side)
    if look.hair_style == "ponytail":
        draw_bow(canvas, (0.5, -1.2), 0.26, look.accessory_colour, 0.5)
    if look.accessory in _ON_HEAD:
        _ON_HEAD[look.accessory](canvas, look)


def _ahoge(canvas: Canvas, look: Look, light: int) -> None:
    lock = Lock((0.02, -1.2), (-0.06, -1.66), (0.36, -1.56), 0.17, 1.6)
    draw_lock(canvas, lock, front_paint(look), light)


def _bow(canvas: Canvas, look: Look) -> None:
    draw_bow(canvas, (-0.6, -1.1), 0.4, look.accessory_colour, -0.45)


def _hairpin(canvas: Canvas, look: Look) -> None:
    for y, lean in ((-0.36, 0.06), (-0.24, 0.06)):
        pin = np.linspace((0.52, y + lean), (0.84, y - lean), 6)
        canvas.stroke(pin, 0.095, ink_of(look.accessory_colour), (1, 1, 1))
        canvas.stroke(pin * np.array([0.995, 1.0]), 0.05, look.accessory_colour, (1, 1, 1))


def _headband(canvas: Canvas, look: Look) -> None:
    outer = spline(
        ((-1.1, -0.34), (-0.92, -0.86), (-0.5, -1.18), (0, -1.27), (0.5, -1.18), (0.92, -0.86), (1.1, -0.34))
    )
    inner = outer * np.array([0.97, 0.84])
    canvas.piece(np.concatenate((outer, inner[::-1])), look.accessory_colour)
    canvas.stroke(
        (outer + inner)[12:-20] / 2 - np.array([0, 0.03]), 0.026, mix(look.accessory_colour, (255, 255, 255), 0.6)
    )


def _glasses(canvas: Canvas, look: Look) -> None:
    frame = tint(look.accessory_colour, (0.55, 0.45, 0.5)) if sum(look.accessory_colour) > 330 else (60, 48, 62)
    for side in (-1, 1):
        lens = _lens(side)
        canvas.fill(lens, (226, 240, 255), 0.16)
        canvas.contour(lens, 0.042, frame)
        gleam = arc(
            (side * EYE_X - 0.22, EYE_Y - 0.12),
            (side * EYE_X - 0.18, EYE_Y - 0.24),
            (side * EYE_X - 0.05, EYE_Y - 0.27),
        )
        canvas.stroke(gleam, 0.03, (255, 255, 255), opacity=0.9)
        canvas.stroke(np.linspace((side * 0.8, EYE_Y - 0.05), (side * 0.98, EYE_Y - 0.12), 5), 0.038, frame, (1, 1, 1))
    canvas.stroke(arc((-0.1, EYE_Y), (0, EYE_Y - 0.06), (0.1, EYE_Y)), 0.038, frame, (1, 1, 1))


def _lens(side: int) -> Points:
    corners = ((-0.34, -0.24), (0, -0.3), (0.34, -0.26), (0.37, 0.1), (0.2, 0.33), (-0.18, 0.33), (-0.35, 0.1))
    lens = spline(corners, closed=True)
    return np.stack((side * (EYE_X + lens[:, 0]), EYE_Y + 0.02 + lens[:, 1]), axis=1)


def _flower(canvas: Canvas, look: Look) -> None:
    centre = np.array([0.82, -0.74])
    for turn in np.arange(5) * 2 * np.pi / 5 - 0.3:
        petal = ellipse((centre[0] + 0.17 * np.cos(turn), centre[1] + 0.17 * np.sin(turn)), (0.17, 0.13), turn)
        canvas.piece(petal, look.accessory_colour)
    canvas.piece(ellipse((centre[0], centre[1]), (0.1, 0.1)), (255, 226, 120))


def _cat_ears(canvas: Canvas, look: Look) -> None:
    paint = front_paint(look)
    for side in (-1, 1):
        ear = spline(((0.36, -1.1), (0.62, -1.42), (0.96, -1.62), (1.08, -1.2), (1.0, -0.75)))
        inner = spline(((0.54, -1.14), (0.72, -1.34), (0.92, -1.46), (0.98, -1.15), (0.94, -0.85)))
        for shape, colour in ((ear, paint.base), (inner, (250, 190, 190))):
            points = shape * np.array([side, 1.0])
            canvas.fill(points, colour)
            canvas.stroke(points, 0.034, paint.line, (1, 1, 1))


def _headphones(canvas: Canvas, look: Look) -> None:
    band = spline(((-1.14, -0.1), (-1.06, -0.9), (-0.58, -1.34), (0, -1.46), (0.58, -1.34), (1.06, -0.9), (1.14, -0.1)))
    canvas.stroke(band, 0.15, ink_of(look.accessory_colour), (1, 1, 1))
    canvas.stroke(band, 0.09, look.accessory_colour, (1, 1, 1))
    for side in (-1, 1):
        canvas.piece(ellipse((side * 1.12, 0.02), (0.19, 0.34)), (70, 66, 80))
        canvas.piece(ellipse((side * 1.18, 0.02), (0.12, 0.24)), look.accessory_colour)


def _earring(canvas: Canvas, look: Look) -> None:
    for side in (-1, 1):
        canvas.piece(
            np.array([(side * 0.93, 0.5), (side * 0.99, 0.6), (side * 0.93, 0.76), (side * 0.87, 0.6)]),
            look.accessory_colour,
        )


def _bandage(canvas: Canvas, look: Look) -> None:
    strip = canvas.placed((-0.55, 0.56), 1.0, -0.5)
    shape = spline(((-0.16, -0.06), (0.16, -0.06), (0.19, 0), (0.16, 0.06), (-0.16, 0.06), (-0.19, 0)), closed=True)
    strip.piece(shape, tint(look.skin, (0.98, 0.84, 0.72)))
    strip.piece(np.array([(-0.06, -0.055), (0.06, -0.055), (0.06, 0.055), (-0.06, 0.055)]), (255, 240, 224))


_ON_HEAD: Mapping[str, Callable[[Canvas, Look], None]] = MappingProxyType(
    {
        "bow": _bow,
        "hairpin": _hairpin,
        "headband": _headband,
        "glasses": _glasses,
        "flower": _flower,
        "headphones": _headphones,
        "earring": _earring,
        "bandage": _bandage,
    }
)
