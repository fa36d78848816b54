"""What a step of training needs besides the model: learning rates, schedule, mixing, seeds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from timm.data import Mixup
from torch import Tensor

from anime_models.backbones import FaceModel, layer_groups
from training.recipes import Recipe


def parameter_groups(model: FaceModel, recipe: Recipe) -> list[dict[str, Any]]:
    """AdamW groups: learning rate by layer group, no weight decay on biases and norms.

    Frozen parameters are among them, since a strategy may open them later; without a gradient AdamW leaves them alone.
    """
    parameters = dict(model.named_parameters())
    groups: list[dict[str, Any]] = []
    for depth, names in enumerate(layer_groups(model)):
        lr = recipe.head_lr if depth == 0 else recipe.backbone_lr * recipe.layer_decay ** (depth - 1)
        for decayed in (True, False):
            chosen = [p for p in map(parameters.get, names) if p is not None and (p.ndim > 1) == decayed]
            if chosen:
                groups.append({"params": chosen, "lr": lr, "weight_decay": recipe.weight_decay * decayed})
    return groups


def learning_rate_factor(recipe: Recipe, num_steps: int) -> Callable[[int], float]:
    """Factor on the learning rate at a step: linear rise, then constant or half a cosine down to zero."""
    warmup = round(num_steps * recipe.warmup_share)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        if recipe.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, num_steps - warmup))))

    return factor


def mixer(recipe: Recipe, num_outputs: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Mixup or CutMix (by chance, half each) with label smoothing: labels ``[N]`` to targets ``[N, num_outputs]``."""
    return Mixup(
        mixup_alpha=recipe.mixup,
        cutmix_alpha=recipe.cutmix,
        prob=recipe.mix_share if recipe.mixup or recipe.cutmix else 0.0,
        label_smoothing=recipe.label_smoothing,
        num_classes=num_outputs,
    )


def seed_everything(seed: int) -> torch.Generator:
    """Seed torch and numpy (timm's Mixup draws from it) and return a generator of the same seed."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    return torch.Generator().manual_seed(seed)
