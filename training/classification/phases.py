"""How much of a model is trained in each epoch of a strategy, and that the rest stays as it is, bit for bit."""

from __future__ import annotations

from torch import nn

from anime_models.backbones import FaceModel
from anime_models.errors import ConfigError
from training.classification.segments import stages
from training.recipes import STRATEGIES, Recipe


def num_open_stages(recipe: Recipe, epoch: int, num_stages: int) -> int:
    """How many of a model's ``num_stages`` stages, from the head on, are trained in an epoch (counted from 0).

    Raises:
        ConfigError: for an unknown strategy, or when the recipe freezes more than there is.
    """
    most = num_stages - recipe.frozen_stages
    if not 0 < most <= num_stages:
        raise ConfigError(f"Cannot freeze {recipe.frozen_stages} of {num_stages} stages; leave at least the head.")
    if recipe.strategy == "linear_probe":
        return 1
    if recipe.strategy == "partial":
        return min(2, most)
    if recipe.strategy == "full":
        return most
    if recipe.strategy == "progressive":
        if recipe.unfreeze_every == 0:
            return min(most, 1 + epoch * most // recipe.epochs)
        return min(most, 1 + epoch // recipe.unfreeze_every)
    raise ConfigError(f"There is no strategy {recipe.strategy!r}. Choose one of: {', '.join(STRATEGIES)}.")


def open_stages(model: FaceModel, num_open: int) -> None:
    """Let the head and the stages after it, ``num_open`` in all, be trained, and freeze the others."""
    parameters = dict(model.named_parameters())
    for depth, stage in enumerate(stages(model)):
        for name in stage.parameters:
            parameters[name].requires_grad_(depth < num_open)
            if depth >= num_open:
                parameters[name].grad = None


def open_most(model: FaceModel, recipe: Recipe) -> None:
    """Open every stage that a recipe trains by its last epoch, and freeze the others."""
    open_stages(model, num_open_stages(recipe, recipe.epochs - 1, len(stages(model))))


def set_training(model: nn.Module) -> None:
    """Put a model in training mode, but leave the BatchNorm layers of frozen stages in eval mode.

    Otherwise their running statistics would move although their weights do not.
    """
    model.train()
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.training = False  # not .eval(): a ViT holds its frozen position embedding and its open blocks alike
