"""Differentiable augmentation of what the discriminator sees (DiffAugment; Zhao et al., 2020)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from anime_models.errors import ConfigError

SHIFT, HOLE = 1 / 8, 1 / 2  # of the side


def differentiable(pictures: Tensor, kinds: tuple[str, ...]) -> Tensor:
    """Pictures ``[N, 3, S, S]`` in [-1, 1], each changed at random by every kind; gradients pass through.

    Raises:
        ConfigError: when a kind is unknown.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ConfigError(f"There is no augmentation {kind!r}. Choose from: {', '.join(KINDS)}.")
        pictures = KINDS[kind](pictures)
    return pictures


def _color(pictures: Tensor) -> Tensor:
    """Brightness by -0.5 to 0.5, saturation by 0 to 2, contrast by 0.5 to 1.5."""
    brightness, saturation, contrast = torch.rand(3, len(pictures), 1, 1, 1, device=pictures.device)
    pictures = pictures + (brightness - 0.5)
    grey = pictures.mean(dim=1, keepdim=True)
    pictures = (pictures - grey) * (2 * saturation) + grey
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    return (pictures - mean) * (contrast + 0.5) + mean


def _translation(pictures: Tensor) -> Tensor:
    """Moved by up to an eighth of the side, zeros coming in."""
    size = pictures.shape[-1]
    reach = round(size * SHIFT)
    padded = functional.pad(pictures, (reach,) * 4)
    rows, columns = torch.randint(0, 2 * reach + 1, (2, len(pictures), 1), device=pictures.device) + torch.arange(
        size, device=pictures.device
    )
    number = torch.arange(len(pictures), device=pictures.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[number, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _cutout(pictures: Tensor) -> Tensor:
    """A square hole of half the side, partly outside at times."""
    size = pictures.shape[-1]
    centres = torch.randint(0, size + 1, (2, len(pictures), 1), device=pictures.device)
    inside = (torch.arange(size, device=pictures.device) - centres).abs() < size * HOLE / 2
    hole = inside[0][:, :, None] & inside[1][:, None, :]
    return pictures * (~hole[:, None]).to(pictures.dtype)


KINDS: dict[str, Callable[[Tensor], Tensor]] = {"color": _color, "translation": _translation, "cutout": _cutout}
