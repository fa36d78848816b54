"""Neck, shoulders and clothes."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from anime_models._drawn.bows import draw_bow
from anime_models._drawn.canvas import Canvas, Colour, ink_of, mix, tint
from anime_models._drawn.looks import Look
from anime_models._drawn.shapes import Points, ellipse, mirrored, spline

_CLOTH: Colour = (252, 250, 252)


class Body:
    """Paints the bust of one character."""

    def __init__(self, canvas: Canvas, look: Look) -> None:
        self.canvas, self.look = canvas, look
        male = look.sex == "male"
        broad, neck = (1.12, 0.33) if male else (1.0, 0.25)
        shoulder = [(0.5, 1.34), (1.0, 1.5), (1.3, 1.9), (1.44, 2.8), (1.48, 4.0), (1.46, 12.0)]
        slope = [(x * broad, y) for x, y in shoulder]
        self.broad = broad
        self.bust = self._whole([(neck, 0.7), (neck, 1.16), *slope])
        # Clothes begin below the neck.
        self.worn = self._whole([(neck + 0.04, 1.2), *slope[1:]])

    @staticmethod
    def _whole(right: list[tuple[float, float]]) -> Points:
        half = spline(right)
        return np.concatenate((half, mirrored(half)[::-1]))

    def symmetric(self, right: list[tuple[float, float]], colour: Colour) -> None:
        """The same piece on both sides."""
        piece = np.array(right)
        for shape in (piece, mirrored(piece)):
            self.canvas.piece(shape, colour)

    def draw(self) -> None:
        """Paint skin, its shadow under the chin, and the clothes."""
        look = self.look
        self.canvas.fill(self.bust, look.skin)
        skin = self.canvas.clip([self.bust])
        self.canvas.fill(ellipse((0, 0.86), (0.62, 0.36)), look.skin_shadow, clip=skin)
        self.canvas.stroke(self.bust[:20], 0.03, look.skin_line, (1, 1, 1))
        self.canvas.stroke(self.bust[-20:], 0.03, look.skin_line, (1, 1, 1))
        for side in (-1, 1):
            bone = spline(((side * 0.14, 1.4), (side * 0.34, 1.36), (side * 0.52, 1.4)))
            self.canvas.stroke(bone, 0.02, look.skin_line, opacity=0.6)
        _OUTFITS[look.outfit](self)

    def garment(self, colour: Colour) -> None:
        """The clothes' main body, shaded where the arms lie against it."""
        self.canvas.piece(self.worn, colour, 0.036)
        clip = self.canvas.clip([self.worn])
        shade = mix(tint(colour, (0.84, 0.8, 0.86)), (90, 60, 140), 0.1)
        for side in (-1, 1):
            across = np.array([side * self.broad, 1.0])
            arm = spline(((0.98, 1.9), (1.04, 2.3), (1.06, 3.2), (1.02, 4.4), (1.04, 12.0)))
            torso = spline(((1.04, 12.0), (0.84, 12.0), (0.88, 4.0), (0.84, 3.0), (0.93, 2.3), (0.98, 1.9)))
            self.canvas.fill(np.concatenate((arm, torso)) * across, shade, clip=clip)
            self.canvas.stroke(arm * across, 0.03, ink_of(colour), (0.2, 1, 1))
        self.canvas.fill(ellipse((0, 1.12), (0.5, 0.3)), shade, 0.6, clip)

    def opened(self, depth: float, width: float = 0.3) -> None:
        """Skin in a V below the neck."""
        gap = np.array([(-width, 1.1), (width, 1.1), (0.0, depth)])
        self.canvas.fill(gap, self.look.skin)
        self.canvas.fill(ellipse((0, 0.95), (0.5, 0.36)), self.look.skin_shadow, clip=self.canvas.clip([gap]))


def _sailor(body: Body) -> None:
    colour = body.look.outfit_colour
    body.garment(_CLOTH)
    body.opened(1.85, 0.34)
    body.symmetric(
        [(0.24, 1.06), (0.44, 1.2), (0.98, 1.5), (1.02, 1.62), (0.42, 1.84), (0.1, 2.06), (0.02, 1.94), (0.26, 1.5)],
        colour,
    )
    for side in (-1, 1):
        stripe = spline(((side * 0.92, 1.56), (side * 0.4, 1.74), (side * 0.12, 1.94)))
        body.canvas.stroke(stripe, 0.034, (255, 255, 255), (1, 1, 1))
    draw_bow(body.canvas, (0, 1.98), 0.36, body.look.accessory_colour, 0)


def _blazer(body: Body) -> None:
    colour = body.look.outfit_colour
    body.garment(colour)
    body.canvas.fill(np.array([(-0.28, 1.16), (0.28, 1.16), (0.3, 1.6), (0, 2.5), (-0.3, 1.6)]), _CLOTH)
    body.opened(1.42, 0.24)
    body.symmetric([(0.25, 1.08), (0.4, 1.22), (0.3, 1.52), (0.02, 1.4)], _CLOTH)
    body.symmetric(
        [(0.38, 1.24), (0.62, 1.4), (0.72, 1.7), (0.54, 1.74), (0.6, 1.84), (0.0, 2.7), (0.06, 2.2)],
        tint(colour, (0.9, 0.88, 0.92)),
    )
    if body.look.sex == "female":
        draw_bow(body.canvas, (0, 1.5), 0.3, body.look.accessory_colour, 0)
    else:
        _tie(body)


def _tie(body: Body) -> None:
    colour = tint(body.look.accessory_colour, (0.85, 0.75, 0.8))
    body.canvas.piece(np.array([(-0.07, 1.56), (0.07, 1.56), (0.14, 2.5), (-0.14, 2.5)]), colour)
    body.canvas.piece(np.array([(-0.12, 1.4), (0.12, 1.4), (0.08, 1.58), (-0.08, 1.58)]), colour)


def _hoodie(body: Body) -> None:
    colour = body.look.outfit_colour
    body.garment(colour)
    body.opened(1.5, 0.3)
    hood = spline(
        ((0.24, 1.0), (0.52, 1.08), (0.78, 1.34), (0.6, 1.62), (0.2, 1.74), (0.0, 1.68), (0.12, 1.5), (0.26, 1.26)),
        closed=True,
    )
    for shape in (hood, mirrored(hood)):
        body.canvas.piece(shape, tint(colour, (1.06, 1.06, 1.06)))
    for side in (-1, 1):
        body.canvas.stroke(
            spline(((side * 0.16, 1.68), (side * 0.2, 1.9), (side * 0.17, 2.14))), 0.05, (250, 246, 240), (1, 1, 1)
        )


def _dress(body: Body) -> None:
    body.garment(body.look.outfit_colour)
    body.opened(1.34, 0.26)
    collar = spline(((0.2, 1.04), (0.42, 1.14), (0.66, 1.38), (0.5, 1.62), (0.2, 1.6), (0.02, 1.42)), closed=True)
    for shape in (collar, mirrored(collar)):
        body.canvas.piece(shape, _CLOTH)
    draw_bow(body.canvas, (0, 1.5), 0.24, body.look.accessory_colour, 0)


def _gakuran(body: Body) -> None:
    colour = (52, 54, 74)
    body.garment(colour)
    body.symmetric([(0.0, 1.16), (0.34, 1.02), (0.42, 1.2), (0.3, 1.36), (0.0, 1.44)], colour)
    body.canvas.stroke(np.array([(0, 1.3), (0, 3.0)]), 0.026, (24, 24, 36), (1, 1, 1))
    body.canvas.stroke(spline(((-0.33, 1.06), (0, 1.2), (0.33, 1.06))), 0.05, _CLOTH, (1, 1, 1))
    for y in (1.72, 2.1):
        body.canvas.piece(ellipse((0.1, y), (0.065, 0.065)), (240, 196, 84))


def _shirt(body: Body) -> None:
    body.garment(_CLOTH)
    body.opened(1.46, 0.3)
    body.symmetric([(0.3, 1.04), (0.5, 1.24), (0.36, 1.62), (0.03, 1.42)], _CLOTH)
    _tie(body)


_OUTFITS: Mapping[str, Callable[[Body], None]] = MappingProxyType(
    {"sailor": _sailor, "blazer": _blazer, "hoodie": _hoodie, "dress": _dress, "gakuran": _gakuran, "shirt": _shirt}
)
