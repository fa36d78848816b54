"""A model as a chain of stages, so that what is frozen can be computed apart from what is trained.

A stage is what a strategy opens at once. The backbone's stages are the coarse layer groups that timm divides it into;
where those are single blocks (ViT, Xception), quarters of the blocks, as ResNets have. What follows the last block
(final norm, last convolution, pooling) belongs to the deepest stage, what precedes the first one to the stem. So the
shares of parameters that Santoro et al. train (Table 2) come out: ResNet-18 partial 75.1%, ViT-S/16 partial 24.6%.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

from timm.models.efficientnet import EfficientNet
from timm.models.resnet import ResNet
from timm.models.resnetv2 import ResNetV2
from timm.models.vision_transformer import VisionTransformer
from timm.models.xception import Xception
from torch import Tensor, nn

from anime_models.backbones import FaceModel
from anime_models.errors import ConfigError

Step = Callable[[Tensor], Tensor]
NUM_QUARTERS = 4


@dataclass(frozen=True)
class Stage:
    """A part of a model that is opened or frozen as one.

    Attributes:
        name: ``head``, ``stage1`` (next to the stem) and so on, or ``stem``.
        parameters: names in ``model.named_parameters()``.
        buffers: names in ``model.named_buffers()``: the BatchNorm statistics.
        run: what it computes, from the output of the stage before it: images ``[N, 3, H, W]`` for the stem, pooled
            features ``[N, F]`` for the head.
    """

    name: str
    parameters: tuple[str, ...]
    buffers: tuple[str, ...]
    run: Step


@dataclass(frozen=True)
class _Trunk:
    """What a backbone runs before its pooling, in order: the stem, its stages, and what follows the last of them."""

    stem: Sequence[Step]
    stages: Sequence[Sequence[Step]]
    tail: Sequence[Step] = ()


def stages(model: FaceModel) -> list[Stage]:
    """The stages of a model, from the head (first) over the deepest of the backbone to the stem (last).

    Raises:
        ConfigError: for a backbone of an architecture that is not divided here.
    """
    trunk = _trunk(model.backbone)
    *shallower, deepest = trunk.stages
    parts: list[tuple[str, Sequence[Step]]] = [
        ("stem", trunk.stem),
        *((f"stage{number}", steps) for number, steps in enumerate(shallower, 1)),
        (f"stage{len(trunk.stages)}", [*deepest, *trunk.tail, model.backbone.forward_head]),
        ("head", [model.head]),
    ]
    names = {id(tensor): name for name, tensor in chain(model.named_parameters(), model.named_buffers())}
    # A ViT's class token and position embedding belong to no module but the backbone itself.
    loose = [names[id(tensor)] for tensor in model.backbone.parameters(recurse=False)]
    return [_stage(name, steps, names, loose if name == "stem" else []) for name, steps in reversed(parts)]


def split_at(model: FaceModel, num_open: int) -> tuple[Step, Step]:
    """A model as two functions, of which ``upper(lower(images))`` is bit for bit ``model(images)``.

    Both run the model's own modules in the mode that they are in; gradients are the caller's business.

    Args:
        model: the model.
        num_open: how many stages, from the head on, the upper part holds: 1 is the head alone, so that the lower part
            gives pooled features ``[N, F]``; with all of them the lower part does nothing.

    Returns:
        The lower, frozen part and the upper, open one.

    Raises:
        ConfigError: when the model has no such number of stages.
    """
    closed, opened = _divided(model, num_open)
    return _chained([stage.run for stage in reversed(closed)]), _chained([stage.run for stage in reversed(opened)])


def frozen_state(model: FaceModel, num_open: int) -> dict[str, Tensor]:
    """Parameters and buffers, by name, of the stages below the ``num_open`` open ones: all that ``lower`` depends on.

    Raises:
        ConfigError: when the model has no such number of stages.
    """
    tensors = dict(chain(model.named_parameters(), model.named_buffers()))
    closed, _ = _divided(model, num_open)
    return {name: tensors[name].detach() for stage in closed for name in (*stage.parameters, *stage.buffers)}


def _divided(model: FaceModel, num_open: int) -> tuple[list[Stage], list[Stage]]:
    """The closed and the open stages, both from the head's side on."""
    all_stages = stages(model)
    if not 1 <= num_open <= len(all_stages):
        raise ConfigError(f"Cannot open {num_open} of {len(all_stages)} stages; open at least the head.")
    return all_stages[num_open:], all_stages[:num_open]


def _stage(name: str, steps: Sequence[Step], names: dict[int, str], loose: Iterable[str]) -> Stage:
    modules = [step for step in steps if isinstance(step, nn.Module)]
    parameters = [names[id(tensor)] for module in modules for tensor in module.parameters()]
    buffers = [names[id(tensor)] for module in modules for tensor in module.buffers()]
    return Stage(name, (*loose, *parameters), tuple(buffers), _chained(steps))


def _chained(steps: Sequence[Step]) -> Step:
    def run(values: Tensor) -> Tensor:
        for step in steps:
            values = step(values)
        return values

    return run


def _trunk(backbone: Any) -> _Trunk:
    for family, divide in _FAMILIES.items():
        if isinstance(backbone, family):
            return divide(backbone)
    families = ", ".join(family.__name__ for family in _FAMILIES)
    raise ConfigError(f"A {type(backbone).__name__} is not divided into stages. Use one of: {families}.")


def _resnet(backbone: Any) -> _Trunk:
    stem = [backbone.conv1, backbone.bn1, backbone.act1, backbone.maxpool]
    return _Trunk(stem, [[backbone.layer1], [backbone.layer2], [backbone.layer3], [backbone.layer4]])


def _resnet_v2(backbone: Any) -> _Trunk:
    return _Trunk([backbone.stem], [[stage] for stage in backbone.stages], [backbone.norm])


def _efficientnet(backbone: Any) -> _Trunk:
    stem, tail = [backbone.conv_stem, backbone.bn1], [backbone.conv_head, backbone.bn2]
    return _Trunk(stem, [[blocks] for blocks in backbone.blocks], tail)


def _xception(backbone: Any) -> _Trunk:
    def layer(number: int) -> list[Step]:
        return [getattr(backbone, f"{kind}{number}") for kind in ("conv", "bn", "act")]

    blocks = [getattr(backbone, f"block{number}") for number in range(1, 13)]
    return _Trunk([*layer(1), *layer(2)], _quarters(blocks), [*layer(3), *layer(4)])


def _vision_transformer(backbone: Any) -> _Trunk:
    stem = [backbone.patch_embed, backbone._pos_embed, backbone.patch_drop, backbone.norm_pre]
    return _Trunk(stem, _quarters(list(backbone.blocks)), [backbone.norm])


def _quarters(blocks: Sequence[Step]) -> list[Sequence[Step]]:
    bounds = [round(len(blocks) * quarter / NUM_QUARTERS) for quarter in range(NUM_QUARTERS + 1)]
    return [blocks[start:stop] for start, stop in pairwise(bounds)]


_FAMILIES: dict[type[nn.Module], Callable[[Any], _Trunk]] = {
    ResNet: _resnet,
    ResNetV2: _resnet_v2,
    EfficientNet: _efficientnet,
    Xception: _xception,
    VisionTransformer: _vision_transformer,
}
