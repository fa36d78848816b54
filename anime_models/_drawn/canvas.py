"""An oversized picture to paint shapes on, in head units, and to reduce at the end: smooth edges without a library."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

from anime_models._drawn.shapes import Points, ribbon, swelling

Colour: TypeAlias = tuple[int, int, int]

_THINNEST_LINE = 0.85  # pixels of the reduced picture
_OVERSAMPLED, _MEDIUM = 640, 512


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two; `share` in [0, 1] is the second one's."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def tint(colour: Colour, factors: tuple[float, float, float]) -> Colour:
    """A colour under coloured light: channels multiplied."""
    red, green, blue = (min(255, round(channel * factor)) for channel, factor in zip(colour, factors, strict=True))
    return red, green, blue


def ink_of(colour: Colour) -> Colour:
    """The colour of lines around a surface."""
    return mix(tint(colour, (0.5, 0.42, 0.48)), (44, 26, 42), 0.42)


@lru_cache(maxsize=64)
def _scaled(opacity: float) -> list[int]:
    """A look-up table that multiplies an 8-bit mask."""
    return [round(value * opacity) for value in range(256)]


@dataclass(frozen=True)
class Clip:
    """Where paint may go: an 8-bit mask and the pixel at which it begins."""

    mask: Image.Image
    left: int
    top: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.left + self.mask.width, self.top + self.mask.height

    def within(self, box: tuple[int, int, int, int]) -> Image.Image:
        return self.mask.crop((box[0] - self.left, box[1] - self.top, box[2] - self.left, box[3] - self.top))


@dataclass(frozen=True)
class Canvas:
    """A view onto the picture: head units go through parallax and a matrix [2, 3] to pixels.

    Attributes:
        image: the oversized picture; every view paints on the same one.
        factor: how many times it is larger than the finished picture.
        matrix: head units to pixels.
        yaw: how far the head is turned, in [-1, 1]; positive looks to the right of the picture.
        depth: how far in front of the head's axis this view's layer lies; it moves with the turn.
        line: factor on the width of all lines.
    """

    image: Image.Image
    factor: int
    matrix: NDArray[np.float64]
    yaw: float = 0.0
    depth: float = 0.0
    line: float = 1.0

    @classmethod
    def blank(cls, size: tuple[int, int]) -> Canvas:
        """A white picture of `size` (width, height) pixels; the view's unit is one finished pixel."""
        longest = max(size)
        factor = min(6, max(3 if longest <= _MEDIUM else 2, math.ceil(_OVERSAMPLED / longest)))
        image = Image.new("RGB", (size[0] * factor, size[1] * factor), "white")
        return cls(image, factor, np.array([[factor, 0.0, 0.0], [0.0, factor, 0.0]]))

    def finished(self) -> Image.Image:
        """The picture at its own size."""
        return self.image.reduce(self.factor)

    def placed(self, centre: tuple[float, float], scale: float, angle: float = 0.0) -> Canvas:
        """A view whose origin lies at `centre`, whose unit is `scale` of this one's, turned by `angle` in radians."""
        turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        linear, origin = self.matrix[:, :2], self.pixels(np.array([centre]))[0]
        return replace(self, matrix=np.column_stack((linear @ turn, origin)))

    def layer(self, depth: float) -> Canvas:
        """The same view at another depth."""
        return replace(self, depth=depth)

    def pixels(self, points: Points) -> Points:
        """Points [N, 2] of this view in pixels of the oversized picture."""
        if self.yaw and self.depth:
            points = points.copy()
            points[:, 0] += self.yaw * self.depth * np.maximum(0.0, 1 - (points[:, 0] / 1.2) ** 2)
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    @property
    def unit(self) -> float:
        """Pixels of the oversized picture per unit."""
        return math.hypot(float(self.matrix[0, 0]), float(self.matrix[1, 0]))

    def clip(self, shapes: Iterable[Points], within: Clip | None = None) -> Clip:
        """The union of shapes, cut by another clip."""
        outlines = [self.pixels(shape) for shape in shapes]
        box = self._box(np.concatenate(outlines), within)
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        draw = ImageDraw.Draw(mask)
        for outline in outlines:
            draw.polygon((outline - np.array(box[:2])).ravel().tolist(), fill=255)
        return Clip(ImageChops.multiply(mask, within.within(box)) if within else mask, box[0], box[1])

    def fill(self, shape: Points, colour: Colour, opacity: float = 1.0, clip: Clip | None = None) -> None:
        """Paint the inside of a closed shape."""
        if clip is None and opacity >= 1:
            ImageDraw.Draw(self.image).polygon(self.pixels(shape).ravel().tolist(), fill=colour)
        else:
            self.flood(self.clip([shape], clip), colour, opacity)

    def flood(self, clip: Clip, colour: Colour, opacity: float = 1.0) -> None:
        """Paint everything inside a clip."""
        mask = clip.mask if opacity >= 1 else clip.mask.point(_scaled(opacity))
        self.image.paste(colour, clip.box, mask)

    def stroke(
        self,
        points: Points,
        width: float,
        colour: Colour,
        swell: tuple[float, float, float] = (0.0, 1.0, 0.0),
        clip: Clip | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Draw a line along a curve; `swell` is its width at start, middle and end as shares of `width`."""
        thinnest = _THINNEST_LINE * self.factor / self.unit
        widths = swelling(len(points), swell) * max(width * self.line, thinnest)
        self.fill(ribbon(points, widths), colour, opacity, clip)

    def contour(self, shape: Points, width: float, colour: Colour) -> None:
        """Draw an even line around a closed shape, corners included."""
        outline = self.pixels(shape)
        closed = np.concatenate((outline, outline[:2])).ravel().tolist()
        thickness = max(width * self.line * self.unit, _THINNEST_LINE * self.factor)
        ImageDraw.Draw(self.image).line(closed, fill=colour, width=round(thickness), joint="curve")

    def piece(self, shape: Points, colour: Colour, width: float = 0.028) -> None:
        """Paint a closed shape with a line around it."""
        self.fill(shape, colour)
        self.contour(shape, width, ink_of(colour))

    def fade(
        self, clip: Clip, start: tuple[float, float], end: tuple[float, float], colour: Colour, opacity: float
    ) -> None:
        """Tint a clip, strongest at `start` and not at all from `end` on, along the line between them."""
        first, last = self.pixels(np.array([start, end]))
        direction = (last - first) / max(float((last - first) @ (last - first)), 1e-9)
        left, top, right, bottom = clip.box
        along_x = (np.arange(left, right) + 0.5 - first[0]) * direction[0]
        along_y = (np.arange(top, bottom) + 0.5 - first[1]) * direction[1]
        strength = np.clip(1 - (along_x[None, :] + along_y[:, None]), 0, 1) * (255 * opacity)
        mask = ImageChops.multiply(clip.mask, Image.fromarray(strength.astype(np.uint8)))
        self.image.paste(colour, clip.box, mask)

    def glow(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        colour: Colour,
        opacity: float = 1.0,
        clip: Clip | None = None,
    ) -> None:
        """Paint a soft spot, strongest at its centre."""
        x, y = self.pixels(np.array([centre]))[0]
        across, down = radii[0] * self.unit, radii[1] * self.unit
        box = self._box(np.array([[x - across, y - down], [x + across, y + down]]), clip)
        distance_x = (np.arange(box[0], box[2]) + 0.5 - x) / across
        distance_y = (np.arange(box[1], box[3]) + 0.5 - y) / down
        strength = np.clip(1 - distance_x[None, :] ** 2 - distance_y[:, None] ** 2, 0, 1) ** 1.5 * (255 * opacity)
        mask = Image.fromarray(strength.astype(np.uint8))
        self.image.paste(colour, box, ImageChops.multiply(mask, clip.within(box)) if clip else mask)

    def _box(self, outline: Points, within: Clip | None) -> tuple[int, int, int, int]:
        """The pixels around an outline, inside the picture and another clip; never empty."""
        low, high = np.floor(outline.min(axis=0)), np.ceil(outline.max(axis=0)) + 1
        bounds = within.box if within else (0, 0, *self.image.size)
        left, top = (int(np.clip(low[i], bounds[i], bounds[i + 2] - 1)) for i in range(2))
        right, bottom = (int(np.clip(high[i], (left, top)[i] + 1, bounds[i + 2])) for i in range(2))
        return left, top, right, bottom
