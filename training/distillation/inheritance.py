"""Weights for a smaller relative of the teacher, picked from the teacher's (weight selection; Xu et al., 2024).

MobileNetV2 is built like EfficientNet-Lite0: as many stages of inverted bottlenecks with the same strides and names,
narrower and with more blocks. Trained from a random start, a network of depthwise convolutions learns slowly.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

RELATIVES = ("mobilenet_v2",)
_BLOCK = re.compile(r"blocks\.(\d+)\.(\d+)\.")


def inherit(student: nn.Module, teacher: nn.Module) -> None:
    """Give a student of the same family the teacher's weights, cut to its shapes, in place.

    Channels are picked evenly, the same ones wherever a layer reads what another wrote; of a larger kernel the centre
    is taken; a stage's further blocks repeat the teacher's last one.

    Raises:
        KeyError: when the student has a tensor that the teacher has no counterpart of.
    """
    source, wanted = teacher.state_dict(), student.state_dict()
    depths: dict[str, int] = {}
    for key in source:
        if found := _BLOCK.match(key):
            depths[found[1]] = max(depths.get(found[1], 0), int(found[2]))
    picked = {key: _cut(source[_counterpart(key, depths)], tensor.shape) for key, tensor in wanted.items()}
    student.load_state_dict(picked)


def _counterpart(key: str, depths: dict[str, int]) -> str:
    found = _BLOCK.match(key)
    if not found:
        return key
    block = min(int(found[2]), depths.get(found[1], 0))
    return f"blocks.{found[1]}.{block}.{key[found.end() :]}"


def _cut(tensor: Tensor, shape: torch.Size) -> Tensor:
    """Evenly picked channels, and the centre of the kernel."""
    for axis, size in enumerate(shape[:2]):
        if tensor.shape[axis] != size:
            rows = torch.linspace(0, tensor.shape[axis] - 1, size).round().long()
            tensor = tensor.index_select(axis, rows)
    for axis, size in enumerate(shape[2:], start=2):
        tensor = tensor.narrow(axis, (tensor.shape[axis] - size) // 2, size)
    return tensor.clone()
