"""What the open stages of a model learn from: augmented pixels, or features of the frozen stages, computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from anime_models.backbones import FaceModel
from anime_models.preprocessing import Augmentation, Preprocessing, normalise, train_transform
from training.classification.feature_cache import cached_views, digest
from training.classification.phases import set_training
from training.classification.pixels import TrainingPixels, augmented, picture_seed
from training.classification.segments import frozen_state, split_at
from training.recipes import Recipe

if TYPE_CHECKING:
    from training.classification.loop import Setting


@dataclass(frozen=True)
class Source:
    """Inputs for the open stages, and the network that takes them to logits.

    Attributes:
        num_open: how many stages, from the head on, ``network`` trains.
        network: inputs ``[n, ...]`` to logits ``[n, num_outputs]``.
        inputs: rows of the training pixels ``[n]``, the epoch and the pictures' places in it ``[n]``, to inputs.
    """

    num_open: int
    network: Callable[[Tensor], Tensor]
    inputs: Callable[[Tensor, int, Tensor], Tensor]


def source_of(
    model: FaceModel,
    data: TrainingPixels,
    recipe: Recipe,
    preprocessing: Preprocessing,
    seed: int,
    num_open: int,
    setting: Setting,
) -> Source:
    """Pixels, or cached features where the recipe has ``views`` for that many open stages."""
    transform = train_transform(preprocessing, recipe.augmentation)

    def views(rows: Tensor, view: int, numbers: Tensor) -> Tensor:
        seeds = [picture_seed(seed, view, number) for number in numbers.tolist()]
        return normalise(augmented(data.pixels[rows], transform, seeds), preprocessing)

    if num_open > len(recipe.views):
        return Source(num_open, model, views)
    set_training(model)
    lower, upper = split_at(model, num_open)
    device, bf16 = setting.processes.device, setting.precision == "bf16"

    def features(images: Tensor) -> Tensor:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
            return lower(images.to(device))

    varied = recipe.augmentation != Augmentation()
    key = {
        "weights": digest(frozen_state(model, num_open)),
        "open_stages": num_open,
        "pixels": digest({"pixels": data.pixels}),
        "preprocessing": preprocessing.model_dump(mode="json"),
        "augmentation": asdict(recipe.augmentation),
        "seed": seed if varied else None,
        "precision": setting.precision,
    }
    num_views = recipe.views[num_open - 1] if varied else 1
    with setting.processes.main_first():
        cache = cached_views(
            setting.cache,
            features,
            lambda view, rows: views(rows, view, rows),
            num_images=len(data.pixels),
            num_views=num_views,
            key_parts=key,
        )
    return Source(num_open, upper, lambda rows, epoch, _: cache.batch(epoch % num_views, rows))
