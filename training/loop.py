"""The training loop of the classifiers: one recipe, one model, one split; resumable from its last epoch."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.data import Mixup
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional

from anime_models.backbones import FaceModel, layer_groups
from anime_models.errors import ConfigError
from anime_models.preprocessing import Preprocessing, normalise, train_transform
from training.pixels import TrainingPixels, batches
from training.recipes import Recipe

LAST_EPOCH, BEST_EPOCH = "last_epoch.pt", "best_epoch.pt"


@dataclass(frozen=True)
class Fitted:
    """What a training run ends with: the model at its best epoch, and how it got there.

    Attributes:
        epochs: the line of ``metrics.jsonl`` of each epoch.
        num_restored: how many of the epochs were trained before the run was resumed.
    """

    model: FaceModel
    best_epoch: int
    epochs: list[dict[str, float]]
    num_restored: int


def fit(
    model: FaceModel,
    data: TrainingPixels,
    validate: Callable[[nn.Module], dict[str, float]],
    recipe: Recipe,
    preprocessing: Preprocessing,
    seed: int,
    run_folder: Path,
    precision: str = "fp32",
) -> Fitted:
    """Train, keep the moving average of the weights at the epoch with the lowest validation loss, and return it.

    ``run_folder`` receives a line of ``metrics.jsonl`` per epoch and the state to resume from; once what follows the
    training is done as well, :func:`forget_state` removes that.

    Raises:
        ConfigError: when the loss is no longer a number, or the recipe freezes more than there is.
    """
    steps_per_epoch = data.num_steps(recipe.batch_size)
    freeze(model, recipe.frozen_groups)
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, warmup_cosine(recipe, steps_per_epoch * recipe.epochs))
    average = ModelEmaV3(model, decay=recipe.ema_decay)
    state = _ResumableState(run_folder, model, average, optimizer, schedule)
    epochs = state.restore()
    num_restored = len(epochs)
    mix = mixer(recipe, num_outputs=_num_outputs(model))
    transform = train_transform(preprocessing, recipe.augmentation)
    for epoch in range(num_restored, recipe.epochs):
        generator = seed_everything(seed * 1000 + epoch)
        started = time.perf_counter()
        set_training(model)
        losses = []
        for rows in batches(data, steps_per_epoch, recipe.batch_size, generator):
            images = normalise(torch.stack([transform(data.pixels[row]) for row in rows]), preprocessing)
            images, targets = mix(images, data.labels[rows])
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
                logits = model(images)
            loss = functional.cross_entropy(logits.float(), targets)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            average.update(model, step=schedule.last_epoch)
            losses.append(loss.item())
        seconds = time.perf_counter() - started
        metrics = validate(average.module)
        if not math.isfinite(metrics["validation/loss"]):
            raise ConfigError(f"Training diverged in epoch {epoch}; use a recipe with lower learning rates.")
        line = {"epoch": epoch, "train/loss": float(np.mean(losses)), "seconds": seconds, **metrics}
        epochs.append(line)
        state.save(epochs)
        print(" ".join(f"{name}={value:.4g}" for name, value in line.items()), flush=True)
    best_epoch = int(np.argmin([line["validation/loss"] for line in epochs]))
    model.load_state_dict(state.best_weights())
    return Fitted(model.eval(), best_epoch, epochs, num_restored)


def forget_state(run_folder: Path) -> None:
    """Remove what an unfinished run is resumed from."""
    for name in (LAST_EPOCH, BEST_EPOCH):
        (run_folder / name).unlink(missing_ok=True)


def freeze(model: FaceModel, num_groups: int) -> None:
    """Stop training the ``num_groups`` layer groups nearest to the stem."""
    parameters = dict(model.named_parameters())
    groups = layer_groups(model)
    if not 0 <= num_groups < len(groups):
        raise ConfigError(
            f"Cannot freeze {num_groups} layer groups of {len(groups)}; leave at least the head to train."
        )
    for names in groups[len(groups) - num_groups :]:
        for name in names:
            parameters[name].requires_grad_(False)


def set_training(model: nn.Module) -> None:
    """Put a model in training mode, but leave the BatchNorm layers of frozen groups in eval mode.

    Otherwise their running statistics would move although their weights do not.
    """
    model.train()
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.eval()


def parameter_groups(model: FaceModel, recipe: Recipe) -> list[dict[str, Any]]:
    """AdamW groups: learning rate by layer group, no weight decay on biases and norms."""
    parameters = dict(model.named_parameters())
    groups: list[dict[str, Any]] = []
    for depth, names in enumerate(layer_groups(model)):
        lr = recipe.head_lr if depth == 0 else recipe.backbone_lr * recipe.layer_decay ** (depth - 1)
        for decayed in (True, False):
            chosen = [
                p for p in map(parameters.get, names) if p is not None and p.requires_grad and (p.ndim > 1) == decayed
            ]
            if chosen:
                groups.append({"params": chosen, "lr": lr, "weight_decay": recipe.weight_decay * decayed})
    return groups


def warmup_cosine(recipe: Recipe, num_steps: int) -> Callable[[int], float]:
    """Factor on the learning rate at a step: linear rise, then half a cosine down to zero."""
    warmup = max(1, round(num_steps * recipe.warmup_share))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
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


def _num_outputs(model: FaceModel) -> int:
    last = [module for module in model.head.modules() if isinstance(module, nn.Linear)][-1]
    return last.out_features


class _ResumableState:
    """The last epoch of an unfinished run, so that a killed one goes on where it stopped."""

    def __init__(self, folder: Path, model: nn.Module, average: ModelEmaV3, optimizer: Any, schedule: Any) -> None:
        self.parts = {"model": model, "average": average, "optimizer": optimizer, "schedule": schedule}
        self.last = folder / LAST_EPOCH
        self.best = folder / BEST_EPOCH
        self.metrics = folder / "metrics.jsonl"

    def restore(self) -> list[dict[str, float]]:
        if not self.last.exists():
            return []
        saved = torch.load(self.last, map_location="cpu", weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        epochs: list[dict[str, float]] = saved["epochs"]
        return epochs

    def save(self, epochs: list[dict[str, float]]) -> None:
        losses = [line["validation/loss"] for line in epochs]
        if losses.index(min(losses)) == len(losses) - 1:
            _replace(self.best, lambda path: torch.save(self.parts["average"].module.state_dict(), path))
        state = {name: part.state_dict() for name, part in self.parts.items()}
        _replace(self.last, lambda path: torch.save({**state, "epochs": epochs}, path))
        lines = "".join(json.dumps(line) + "\n" for line in epochs)
        _replace(self.metrics, lambda path: path.write_text(lines))

    def best_weights(self) -> dict[str, Tensor]:
        weights: dict[str, Tensor] = torch.load(self.best, map_location="cpu", weights_only=True)
        return weights


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file so that a kill leaves the old one or the new one, never half of it."""
    temporary = path.with_suffix(".tmp")
    write(temporary)
    temporary.replace(path)
