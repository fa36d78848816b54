"""Pillow pictures <-> tensors ``[N, 3, S, S]`` in [-1, 1], as generators and discriminators take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_pictures(tensor: Tensor) -> list[Image.Image]:
    """RGB pictures of a tensor ``[N, 3, H, W]`` in [-1, 1]; what lies outside is clipped."""
    scaled = tensor.detach().cpu().float().clamp(-1, 1).mul(127.5).add(127.5).round()
    pixels = scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return [Image.fromarray(array) for array in pixels]


def to_tensor(pictures: Sequence[Image.Image], size: int) -> Tensor:
    """Tensor ``[N, 3, size, size]`` in [-1, 1] of RGB pictures; others than ``size`` x ``size`` are resized to it."""
    arrays = [
        np.asarray(picture if picture.size == (size, size) else picture.resize((size, size), Image.Resampling.LANCZOS))
        for picture in pictures
    ]
    pixels = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)
    return pixels.float().div(127.5).sub(1)
