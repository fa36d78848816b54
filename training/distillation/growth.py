"""A vision transformer twice as wide that computes the same (Net2Net; Chen et al., 2016).

ViT-B/16 has the depth and the head size of ViT-S/16 and twice its width and heads, so it can go on where the small one
is, which learns in a fraction of the time.
"""

from __future__ import annotations

import torch
from torch import Tensor

from anime_models.backbones import FaceModel

GROWS_FROM = {"vit_base_16": "vit_small_16"}
UNEVEN = 0.2  # how far the shares of the two copies of an input may be from a half


def grow(student: FaceModel, narrow: FaceModel) -> None:
    """Give a ViT and its plain head the function of one half as wide, in place.

    Every channel, head and hidden unit is there twice. What reads the two copies of a channel shares its weight out
    among them unevenly, at random, so that the copies get different gradients and part in training. The pooled features
    are the narrow one's, twice; what the dense layer makes of them is the same.

    Raises:
        RuntimeError: when the student is not twice as wide as ``narrow``, or gives other outputs.
    """
    wide = {name: _widened(name, tensor) for name, tensor in narrow.backbone.state_dict().items()}
    student.backbone.load_state_dict(wide)
    dense = narrow.head.state_dict()
    student.head.load_state_dict({**dense, "weight": _shared_out(dense["weight"])})


def _widened(name: str, tensor: Tensor) -> Tensor:
    if name in ("cls_token", "pos_embed"):
        return torch.cat([tensor, tensor], dim=-1)
    if ".qkv." in name:  # queries, keys and values stand one after the other
        tensor = torch.cat([part.repeat(2, *[1] * (part.ndim - 1)) for part in tensor.chunk(3)])
    else:
        tensor = tensor.repeat(2, *[1] * (tensor.ndim - 1))
    # Biases, norms, and the patches' kernel, whose input stays as it is, read no channel that is there twice.
    return _shared_out(tensor) if tensor.ndim == 2 else tensor


def _shared_out(weight: Tensor) -> Tensor:
    """Twice as many inputs: each one's weight ``[out, in]``, parted among its two copies."""
    share = 0.5 + UNEVEN * (2 * torch.rand_like(weight) - 1)
    return torch.cat([weight * share, weight * (1 - share)], dim=1)
