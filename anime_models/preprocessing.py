"""Train and eval transforms from one configuration that travels with the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from torch import Tensor, nn
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional

_Mean = Annotated[float, Field(ge=0, le=1)]
_Deviation = Annotated[float, Field(ge=1e-3, le=1)]


class Preprocessing(BaseModel):
    """How a square crop becomes the model's input.

    Attributes:
        image_size: side of the input in pixels.
        resize: side that the crop is resized to before ``image_size`` pixels, not more, are cut from its centre.
        mean: per-channel mean that is subtracted, of values in [0, 1].
        std: per-channel standard deviation that is divided by.
        interpolation: ``bicubic`` or ``bilinear``, antialiased.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image_size: int = Field(ge=32, le=1024)
    resize: int = Field(ge=32, le=1024)
    mean: tuple[_Mean, _Mean, _Mean] = (0.5, 0.5, 0.5)
    std: tuple[_Deviation, _Deviation, _Deviation] = (0.5, 0.5, 0.5)
    interpolation: str = Field(default="bicubic", pattern="^(bicubic|bilinear)$")

    @field_validator("resize")
    @classmethod
    def _holds_the_input(cls, resize: int, info: ValidationInfo) -> int:
        if resize < info.data.get("image_size", 0):
            raise ValueError("is smaller than image_size")
        return resize


@dataclass(frozen=True)
class Augmentation:
    """What the train transform does to a picture; the defaults do nothing but resize.

    Attributes:
        crop_scale: range of the area that a random resized crop keeps.
        crop_ratio: range of that crop's aspect ratio.
        flip: probability of a horizontal flip.
        rotation: largest rotation in degrees.
        jitter: strength of brightness, contrast and saturation changes.
        hue: strength of hue changes.
        downscale: probability that the picture is made as coarse as a small face enlarged, so that coarseness says
            nothing about who it is.
        greyscale: probability that the colours are taken away (sketches, manga).
        trivial_augment: one random operation of TrivialAugment (Müller and Hutter, 2021) on each picture.
        erasing: probability that a rectangle is erased.
    """

    crop_scale: tuple[float, float] = (1.0, 1.0)
    crop_ratio: tuple[float, float] = (1.0, 1.0)
    flip: float = 0.0
    rotation: float = 0.0
    jitter: float = 0.0
    hue: float = 0.0
    downscale: float = 0.0
    greyscale: float = 0.0
    trivial_augment: bool = False
    erasing: float = 0.0


def resize_image(image: Image.Image, side: int, interpolation: str = "bicubic") -> Image.Image:
    """Resize a picture so that its shorter side is ``side``; one that is so already is returned as it is."""
    mode = Image.Resampling.BICUBIC if interpolation == "bicubic" else Image.Resampling.BILINEAR
    scale = side / min(image.size)
    size = (max(side, round(image.width * scale)), max(side, round(image.height * scale)))
    return image.resize(size, mode) if size != image.size else image


def resize_square(image: Image.Image, side: int, interpolation: str = "bicubic") -> Tensor:
    """Resize a picture so that its shorter side is ``side`` and cut the centre: uint8 ``[3, side, side]``."""
    resized = resize_image(image, side, interpolation)
    return functional.center_crop(functional.pil_to_tensor(resized), [side, side])


def eval_input(images: Sequence[Image.Image], preprocessing: Preprocessing) -> Tensor:
    """Normalised float input ``[N, 3, image_size, image_size]`` of RGB pictures of any size."""
    size = preprocessing.image_size
    pixels = [resize_square(image, preprocessing.resize, preprocessing.interpolation) for image in images]
    batch = torch.stack([functional.center_crop(tensor, [size, size]) for tensor in pixels])
    return normalise(batch, preprocessing)


def normalise(pixels: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Turn uint8 pixels ``[N, 3, H, W]`` into normalised float32 in channels-last layout."""
    mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1) * 255
    std = torch.tensor(preprocessing.std).view(1, 3, 1, 1) * 255
    return ((pixels.float() - mean) / std).to(memory_format=torch.channels_last)


class RandomDownscale(nn.Module):
    """Shrink pictures ``[..., S, S]`` to between 0.3 and 1 of their side and enlarge them again, by chance."""

    SMALLEST = 0.3

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels of the same shape and type."""
        if torch.rand(()) >= self.probability:
            return pixels
        side = pixels.shape[-1]
        small = max(1, round(side * (self.SMALLEST + (1 - self.SMALLEST) * float(torch.rand(())))))
        coarse = functional.resize(pixels, [small, small], antialias=True)
        return functional.resize(coarse, [side, side], antialias=True)


def train_transform(preprocessing: Preprocessing, augmentation: Augmentation) -> v2.Compose:
    """Random transform of one uint8 picture ``[3, H, W]`` to uint8 ``[3, image_size, image_size]``."""
    steps: list[v2.Transform] = [
        v2.RandomResizedCrop(
            preprocessing.image_size,
            scale=augmentation.crop_scale,
            ratio=augmentation.crop_ratio,
            interpolation=InterpolationMode.BILINEAR,
            antialias=True,
        )
    ]
    if augmentation.flip:
        steps.append(v2.RandomHorizontalFlip(augmentation.flip))
    if augmentation.rotation:
        steps.append(v2.RandomRotation(augmentation.rotation, interpolation=InterpolationMode.BILINEAR, fill=128))
    if augmentation.trivial_augment:
        steps.append(v2.TrivialAugmentWide(interpolation=InterpolationMode.BILINEAR, fill=128))
    if augmentation.jitter or augmentation.hue:
        strength = augmentation.jitter
        steps.append(v2.ColorJitter(strength, strength, strength, augmentation.hue))
    if augmentation.downscale:
        steps.append(RandomDownscale(augmentation.downscale))
    if augmentation.greyscale:
        steps.append(v2.RandomGrayscale(augmentation.greyscale))
    if augmentation.erasing:
        steps.append(v2.RandomErasing(augmentation.erasing, value=128))
    return v2.Compose(steps)
