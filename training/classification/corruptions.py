"""The internet-like test: what pictures go through on their way through the internet, in documented amounts.

Every picture gets two or three of the five kinds, drawn at random from its id and a seed, so neither order nor
company changes what is done to it. In the order in which they are applied (side: of the picture, in pixels):

    crop      a window of 80 to 110% of the sides, its centre moved by 6 to 20% of the side in one direction and up to
              that in the other, scaled back; what lies outside the picture is black, white or the border's mean colour
    colour    white balance: red up and blue down (or the reverse) by 5 to 14%; saturation times or divided by 1.2 to
              1.6; gamma or its inverse of 1.15 to 1.5
    blur      Gaussian with a standard deviation of 0.5 to 1.1% of the side, or motion over 2 to 4.5% of it, any angle
    overlay   caption bar, watermark, play button or emoji (:mod:`training.classification.overlays`)
    jpeg      shrunk to 40 to 80% of the sides (not below 80 px), JPEG of quality 15 to 40, enlarged again
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from anime_models.face_datasets import FaceDataset
from training.classification.overlays import overlaid

SMALLEST_SIDE = 80


def internet_like(data: FaceDataset, seed: int = 42) -> FaceDataset:
    """Corrupt every picture of a split; labels, groups and sources stay, ids end in ``+`` and the kinds applied."""
    pairs = list(zip(data.images, data.ids, strict=True))
    return replace(
        data,
        images=tuple(corrupted(image, name, seed) for image, name in pairs),
        ids=tuple("+".join((name, *kinds_of(name, seed))) for name in data.ids),
    )


def corrupted(image: Image.Image, name: str, seed: int = 42) -> Image.Image:
    """The RGB picture with that id after its corruptions, in the same size."""
    for kind in kinds_of(name, seed):
        image = KINDS[kind](image, _generator(seed, name, kind))
    return image


def kinds_of(name: str, seed: int = 42) -> tuple[str, ...]:
    """The two or three kinds of corruption that the picture with that id gets, in order of application."""
    rng = _generator(seed, name, "kinds")
    chosen = rng.permutation(len(KINDS))[: rng.integers(2, 4)]
    return tuple(kind for number, kind in enumerate(KINDS) if number in chosen)


def _generator(*parts: object) -> np.random.Generator:
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    far = rng.uniform(0.06, 0.2)
    shifts = np.array([far, rng.uniform(0, far)]) * rng.choice([-1, 1], 2)
    scale, sides = rng.uniform(0.8, 1.1), np.array(image.size)
    low = sides * (0.5 + rng.permutation(shifts) - scale / 2)
    left, top, right, bottom = (*low.round().astype(int), *(low + scale * sides).round().astype(int))
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).mean(axis=0)
    fill = [(0, 0, 0), (255, 255, 255), tuple(border.round().astype(int).tolist())][int(rng.integers(3))]
    window = Image.new("RGB", (right - left, bottom - top), fill)
    window.paste(image, (-left, -top))
    return window.resize(image.size, Image.Resampling.BICUBIC)


def _recoloured(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    warmth = rng.uniform(0.05, 0.14) * rng.choice([-1, 1])
    saturation = rng.uniform(1.2, 1.6) ** rng.choice([-1, 1])
    gamma = rng.uniform(1.15, 1.5) ** rng.choice([-1, 1])
    levels = np.linspace(0, 1, 256) ** gamma
    table = np.concatenate([levels * gain for gain in (1 + warmth, 1, 1 - warmth)])
    balanced = image.point((255 * table).clip(0, 255).round().astype(int).tolist())
    return ImageEnhance.Color(balanced).enhance(float(saturation))


def _blurred(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    side = min(image.size)
    if rng.random() < 0.5:
        return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.005, 0.011) * side))
    return _moved(image, max(2.0, rng.uniform(0.02, 0.045) * side), rng.uniform(0, np.pi))


def _moved(image: Image.Image, length: float, angle: float) -> Image.Image:
    """Average of the picture along a line of that length in pixels; its border repeats outwards."""
    steps = np.linspace(-length / 2, length / 2, int(np.ceil(length)) + 1)
    offsets = np.stack([steps * np.sin(angle), steps * np.cos(angle)], axis=1).round().astype(int)
    margin = int(np.abs(offsets).max())
    padded = np.pad(np.asarray(image, dtype=np.float32), ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    windows = [
        padded[margin + down : margin + down + image.height, margin + right : margin + right + image.width]
        for down, right in offsets
    ]
    return Image.fromarray(np.mean(windows, axis=0).round().astype(np.uint8))


def _recompressed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    scale = max(rng.uniform(0.4, 0.8), min(1.0, SMALLEST_SIDE / min(image.size)))
    small = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=int(rng.integers(15, 41)))
    return Image.open(file).convert("RGB").resize(image.size, Image.Resampling.BICUBIC)


KINDS: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "crop": _cropped,
    "colour": _recoloured,
    "blur": _blurred,
    "overlay": overlaid,
    "jpeg": _recompressed,
}
