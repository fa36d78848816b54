"""The endless training samples of the face detector, composed from boxed pictures.

Training scenes are visual-novel screens; real illustrations show single large faces in every style. What bridges the
gap: extreme zooms into scenes, face crops continued beyond their edges, collages, drawn scenes, and after that the
degradations of `training.detection.augmentations`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from training.detection.data import NO_BOXES, Boxes, Picture, letterbox

_LEAST_VISIBLE = 0.55


class SampleComposer:
    """Composes training samples of a fixed size.

    Args:
        scenes: pictures with all their faces boxed (some without a face).
        crops: pictures of about one face each, boxed; may be empty.
        negatives: face-free pictures, used as such and as grounds.
        size: side of the samples in pixels.
    """

    def __init__(
        self, scenes: Sequence[Picture], crops: Sequence[Picture], negatives: Sequence[Picture], size: int
    ) -> None:
        self.scenes = [picture for picture in scenes if len(picture.boxes)]
        self.crops = list(crops)
        self.negatives = [*negatives, *(picture for picture in scenes if not len(picture.boxes))]
        self.size = size

    def compose(self, rng: np.random.Generator) -> Picture:
        """One sample before degradation, with boxes clipped to it."""
        kind = rng.random()
        if kind < 0.10:
            return self._negative(rng)
        if kind < 0.20:
            return self._collage(rng)
        return self._single(rng, self.size)

    def _single(self, rng: np.random.Generator, size: int) -> Picture:
        if self.crops and rng.random() < 0.65:
            return self._zoom(rng, self.crops[rng.integers(len(self.crops))], size, _crop_face_fraction(rng))
        picture = self.scenes[rng.integers(len(self.scenes))]
        if rng.random() < 0.2:
            return letterbox(picture, size)
        return self._zoom(rng, picture, size, _scene_face_fraction(rng))

    def _zoom(self, rng: np.random.Generator, picture: Picture, size: int, face_fraction: float) -> Picture:
        """Show one of the faces at `face_fraction` of the sample's side, at a random place, slightly turned."""
        x0, y0, x1, y1 = picture.boxes[rng.integers(len(picture.boxes))]
        scale = face_fraction * size / max(x1 - x0, y1 - y0)
        angle = math.radians(rng.normal(0, 10)) if rng.random() < 0.6 else 0.0
        half_w, half_h = scale * (x1 - x0) / 2, scale * (y1 - y0) / 2
        insets = [0.85 * min(half, size / 2) for half in (half_w, half_h)]
        place = [rng.uniform(inset, size - inset) for inset in insets]
        mirrored = rng.random() < 0.5
        centre = (float(x0 + x1) / 2, float(y0 + y1) / 2)
        warp = Warp(centre, (place[0], place[1]), float(scale), angle, mirrored)
        return self._warped(rng, picture, warp, size)

    def _warped(self, rng: np.random.Generator, picture: Picture, warp: Warp, size: int) -> Picture:
        image, offset = _pad_border(rng, picture)
        inner = warp.shifted(-offset)
        reduction = max(1, int(1 / warp.scale))
        if reduction > 1:
            image, inner = image.reduce(reduction), inner.reduced(reduction)
        matrix = inner.inverse_matrix()
        warped = image.transform((size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
        mask = Image.new("L", image.size, 255).transform((size, size), Image.Transform.AFFINE, matrix)
        if np.asarray(mask).min() < 255:
            if rng.random() < 0.5:
                blur = rng.uniform(1, 5)
                mask = mask.filter(ImageFilter.MinFilter(2 * int(blur) + 1)).filter(ImageFilter.GaussianBlur(blur))
            warped = Image.composite(warped, self._ground(rng, size, image), mask)
        return Picture(warped, clip_boxes(warp.boxes(picture.boxes), size))

    def _ground(self, rng: np.random.Generator, size: int, image: Image.Image) -> Image.Image:
        """What shows beside a picture that does not fill the sample."""
        kind = rng.random()
        if kind < 0.35 and self.negatives:
            return _random_window(rng, self.negatives[rng.integers(len(self.negatives))].image, size)
        if kind < 0.55:
            small = image.resize((int(rng.integers(2, 5)), int(rng.integers(2, 5))))
            return small.resize((size, size), Image.Resampling.BICUBIC)
        if kind < 0.75:
            return Image.new("RGB", (size, size), image.getpixel((0, 0)))
        shade = int(rng.choice([0, 127, 255])) if rng.random() < 0.6 else None
        colour = (shade,) * 3 if shade is not None else tuple(int(c) for c in rng.integers(0, 256, 3))
        return Image.new("RGB", (size, size), colour)

    def _negative(self, rng: np.random.Generator) -> Picture:
        if not self.negatives:
            return self._single(rng, self.size)
        image = self.negatives[rng.integers(len(self.negatives))].image
        return Picture(_random_window(rng, image, self.size), NO_BOXES)

    def _collage(self, rng: np.random.Generator) -> Picture:
        """Two by two samples of half the side."""
        size, half = self.size, self.size // 2
        image, boxes = Image.new("RGB", (size, size)), []
        for corner in ((0, 0), (half, 0), (0, half), (half, half)):
            part = self._negative(rng) if rng.random() < 0.15 else self._single(rng, half)
            image.paste(part.image.resize((half, half)), corner)
            boxes.append(part.boxes * (half / part.image.width) + np.asarray(corner * 2, np.float32))
        return Picture(image, np.concatenate(boxes))


@dataclass(frozen=True)
class Warp:
    """A similarity from picture to sample pixels: turn and scale about `centre`, which lands on `place`."""

    centre: tuple[float, float]
    place: tuple[float, float]
    scale: float
    angle: float
    mirrored: bool

    def shifted(self, offset: NDArray[np.float64]) -> Warp:
        """The same warp for a picture whose origin moved by `offset`."""
        return replace(self, centre=(self.centre[0] - offset[0], self.centre[1] - offset[1]))

    def reduced(self, factor: int) -> Warp:
        """The same warp for a picture that has been shrunk `factor` times."""
        return replace(self, centre=(self.centre[0] / factor, self.centre[1] / factor), scale=self.scale * factor)

    def _linear(self) -> NDArray[np.float64]:
        cos, sin = math.cos(self.angle) * self.scale, math.sin(self.angle) * self.scale
        flip = -1.0 if self.mirrored else 1.0
        return np.array([[cos * flip, -sin], [sin * flip, cos]])

    def inverse_matrix(self) -> tuple[float, ...]:
        """Six numbers for `Image.transform`: from sample to picture."""
        inverse = np.linalg.inv(self._linear())
        shift = np.asarray(self.centre) - inverse @ np.asarray(self.place)
        return (*inverse[0], shift[0], *inverse[1], shift[1])

    def boxes(self, boxes: Boxes) -> Boxes:
        """Axis-parallel boxes around the turned ellipses that fill `boxes`: a face has no corners."""
        linear = self._linear()
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        halves = (boxes[:, 2:] - boxes[:, :2]) / 2
        moved = (centres - np.asarray(self.centre)) @ linear.T + np.asarray(self.place)
        reach = np.sqrt((halves**2) @ (linear**2).T)
        return np.concatenate([moved - reach, moved + reach], axis=1).astype(np.float32)


def clip_boxes(boxes: Boxes, size: int, least_side: float = 6.0) -> Boxes:
    """Clip boxes to the sample; drop those mostly outside or too small to be learnt."""
    clipped = np.clip(boxes, 0, size)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    left = np.prod(clipped[:, 2:] - clipped[:, :2], axis=1)
    sides = (clipped[:, 2:] - clipped[:, :2]).min(axis=1, initial=np.inf)
    return clipped[(left >= _LEAST_VISIBLE * area) & (sides >= least_side)]


def _crop_face_fraction(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.22, 0.80)) if rng.random() < 0.85 else float(rng.uniform(0.10, 0.22))


def _scene_face_fraction(rng: np.random.Generator) -> float:
    if rng.random() < 0.6:
        return float(rng.uniform(0.2, 0.75))
    return math.exp(rng.uniform(math.log(0.06), math.log(0.3)))


def _pad_border(rng: np.random.Generator, picture: Picture) -> tuple[Image.Image, NDArray[np.float64]]:
    """Continue small crops beyond their edges by mirroring all but the face; return the picture and its new origin."""
    image = picture.image
    if max(image.size) > 256 or rng.random() < 0.4:
        return image, np.zeros(2)
    x0, y0 = picture.boxes[:, :2].min(axis=0)
    x1, y1 = picture.boxes[:, 2:].max(axis=0)
    room = [max(0, int(value) - 1) for value in (x0, y0, image.width - x1, image.height - y1)]
    pixels = np.asarray(image)
    left, top, right, bottom = (min(value, limit - 1) for value, limit in zip(room, image.size * 2, strict=True))
    padded = np.pad(pixels, ((top, bottom), (left, right), (0, 0)), mode="reflect")
    return Image.fromarray(padded), np.array([-left, -top], float)


def _random_window(rng: np.random.Generator, image: Image.Image, size: int) -> Image.Image:
    side = min(image.size) * math.exp(rng.uniform(math.log(0.25), 0.0))
    x, y = (rng.uniform(0, extent - side) for extent in image.size)
    window = image.resize((size, size), Image.Resampling.BILINEAR, box=(x, y, x + side, y + side))
    return window.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else window
