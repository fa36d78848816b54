"""A vision transformer twice as wide that computes the same (Net2Net; Chen et al., 2016).

ViT-B/16 has the depth and the head size of ViT-S/16 and twice its width and heads, so it can go on where the small one
is, which learns in a fraction of the time.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

GROWS_FROM = {"vit_base_16": "vit_small_16"}
UNEVEN = 0.2  # how far the shares of the two copies of an input may be from a half


def grow(student: nn.Module, narrow: nn.Module) -> None:
    """Give a ViT the function of one half as wide, in place: every channel, head and hidden unit is there twice.

    What reads the two copies of a channel shares its weight out among them unevenly, at random, so that the copies get
    different gradients and part in training. The pooled features are the narrow one's, twice.

    Raises:
        RuntimeError: when the student is not twice as wide as ``narrow``.
    """
    wide = {name: _widened(name, tensor) for name, tensor in narrow.state_dict().items()}
    student.load_state_dict(wide)


def _widened(name: str, tensor: Tensor) -> Tensor:
    if name in ("cls_token", "pos_embed"):
        return torch.cat([tensor, tensor], dim=-1)
    if ".qkv." in name:  # queries, keys and values stand one after the other
        tensor = torch.cat([part.repeat(2, *[1] * (part.ndim - 1)) for part in tensor.chunk(3)])
    else:
        tensor = tensor.repeat(2, *[1] * (tensor.ndim - 1))
    if tensor.ndim != 2:  # biases, norms, and the patches' kernel, whose input stays as it is
        return tensor
    share = 0.5 + UNEVEN * (2 * torch.rand_like(tensor) - 1)
    return torch.cat([tensor * share, tensor * (1 - share)], dim=1)
