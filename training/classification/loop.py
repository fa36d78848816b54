"""The training loop of the classifiers: one recipe, one model, one split; resumable from its last epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional

from anime_models.backbones import FaceModel
from anime_models.errors import ConfigError
from anime_models.preprocessing import Preprocessing
from training.classification.phases import num_open_stages, open_stages, set_training
from training.classification.pixels import TrainingPixels, batches
from training.classification.segments import stages
from training.classification.sources import Source, source_of
from training.common.optimisation import learning_rate_factor, mixer, parameter_groups, seed_everything
from training.common.processes import Processes
from training.common.run_state import RunState
from training.recipes import Recipe

LOSS_OF = {
    "lowest_loss": "validation/loss",
    "lowest_calibrated_loss": "validation/calibrated_loss",
    "last": "validation/loss",
}
# Measures a model of which only so many stages, from the head on, have changed since the last call.
Validate = Callable[[FaceModel, int], dict[str, float]]


@dataclass(frozen=True)
class Setting:
    """Where and how a run computes: nothing but rounding and, with several processes, batch statistics and mixing.

    Attributes:
        folder: receives a line of ``metrics.jsonl`` per epoch and the state to resume from; once what follows the
            training is done as well, :func:`training.common.run_state.forget_state` removes that.
        precision: ``fp32`` or ``bf16`` (autocast).
        cache: where features of frozen stages are kept, for recipes with ``views``.
    """

    folder: Path
    precision: str
    cache: Path
    processes: Processes


@dataclass(frozen=True)
class Fitted:
    """What a training run ends with: the model at the epoch that is kept, and how it got there.

    Attributes:
        epochs: the line of ``metrics.jsonl`` of each epoch.
        num_restored: how many of the epochs were trained before the run was resumed.
        num_trainable: how many parameters were trained in the last epoch.
    """

    model: FaceModel
    best_epoch: int
    epochs: list[dict[str, float]]
    num_restored: int
    num_trainable: int


def fit(
    model: FaceModel,
    data: TrainingPixels,
    validate: Validate | None,
    recipe: Recipe,
    preprocessing: Preprocessing,
    seed: int,
    setting: Setting,
) -> Fitted:
    """Train a model by a recipe and return it at the epoch that the recipe keeps.

    Without ``validate`` nothing is measured, so the recipe has to keep the last epoch.

    Raises:
        ConfigError: when the loss is no longer a number, or the recipe makes no sense for this model.
    """
    check_keep(recipe, validate is not None)
    if recipe.batch_size % (2 * setting.processes.count):
        raise ConfigError(
            f"Batches of {recipe.batch_size} pictures do not make even shares for {setting.processes.count} processes; "
            "start a number of processes that divides half of it."
        )
    device, num_stages = setting.processes.device, len(stages(model))
    model.to(device)
    steps_per_epoch = data.num_steps(recipe.batch_size)
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe))
    factor = learning_rate_factor(recipe, steps_per_epoch * recipe.epochs)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    average = ModelEmaV3(model, decay=recipe.ema_decay) if recipe.ema_decay else None
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    state = RunState(setting.folder, parts if average is None else {**parts, "average": average})
    epochs = state.restore()
    num_restored = len(epochs)
    evaluated = model if average is None else average.module
    source: Source | None = None
    for epoch in range(num_restored, recipe.epochs):
        if stops_early(epochs, recipe):
            break
        num_open = num_open_stages(recipe, epoch, num_stages)
        if source is None or source.num_open != num_open:
            open_stages(model, num_open)
            source = source_of(model, data, recipe, preprocessing, seed, num_open, setting)
        started = time.perf_counter()
        step = _Step(model, source, optimizer, schedule, average, recipe, setting)
        losses = [step(*batch) for batch in _batches(source, data, recipe, seed, epoch, setting.processes)]
        line = {"epoch": epoch, "open_stages": num_open, "train/loss": setting.processes.mean(float(np.mean(losses)))}
        line["seconds"] = time.perf_counter() - started
        if not math.isfinite(line["train/loss"]):
            raise ConfigError(f"Training diverged in epoch {epoch}; use a recipe with lower learning rates.")
        if validate is not None:
            line |= validate(evaluated, num_open)
        # BatchNorm statistics, and so what is measured, are each process's own: the first one decides when to stop.
        epochs.append(setting.processes.agree(line))
        if setting.processes.is_main:
            kept = best_epoch(epochs, recipe) == epoch
            state.save(epochs, evaluated.state_dict() if kept else None)
            print(" ".join(f"{name}={value:.4g}" for name, value in line.items()), flush=True)
        setting.processes.wait()
    open_stages(model, num_open_stages(recipe, len(epochs) - 1, num_stages))
    model.load_state_dict(state.best_weights())
    num_trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Fitted(model.cpu().eval(), best_epoch(epochs, recipe), epochs, num_restored, num_trainable)


def check_keep(recipe: Recipe, measured: bool) -> None:
    """Refuse a recipe whose rule for the kept epoch is unknown or needs a measurement that there is not."""
    if recipe.keep not in LOSS_OF:
        raise ConfigError(f"There is no rule {recipe.keep!r} for the kept epoch. Choose one of: {', '.join(LOSS_OF)}.")
    if not measured and (recipe.keep != "last" or recipe.patience):
        raise ConfigError(f"Without validation, only keep='last' without patience works, not {recipe.keep!r}.")


def best_epoch(epochs: list[dict[str, float]], recipe: Recipe) -> int:
    """Number of the epoch whose weights the recipe keeps of these."""
    if recipe.keep == "last":
        return len(epochs) - 1
    return int(np.argmin([line[LOSS_OF[recipe.keep]] for line in epochs]))


def stops_early(epochs: list[dict[str, float]], recipe: Recipe) -> bool:
    """Whether the validation loss has not fallen for ``patience`` epochs."""
    if not recipe.patience or not epochs:
        return False
    losses = [line[LOSS_OF[recipe.keep]] for line in epochs]
    return len(losses) - 1 - int(np.argmin(losses)) >= recipe.patience


def _batches(
    source: Source, data: TrainingPixels, recipe: Recipe, seed: int, epoch: int, processes: Processes
) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs and labels of this process's share of each batch of an epoch."""
    generator = seed_everything(seed * 1000 + epoch)
    drawn = list(batches(data, data.num_steps(recipe.batch_size), recipe.batch_size, generator))
    # Numbers within the epoch: a picture that is drawn twice is augmented in two ways.
    numbers = torch.arange(len(drawn) * recipe.batch_size).split(recipe.batch_size)
    for rows, places in zip(drawn, numbers, strict=True):
        mine = processes.share(rows)
        yield source.inputs(mine, epoch, processes.share(places)), data.labels[mine]


class _Step:
    """One step of the optimizer; returns the loss."""

    def __init__(
        self,
        model: FaceModel,
        source: Source,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        average: ModelEmaV3 | None,
        recipe: Recipe,
        setting: Setting,
    ) -> None:
        set_training(model)
        self.model, self.source, self.average = model, source, average
        self.optimizer, self.schedule = optimizer, schedule
        self.clip_norm, self.setting = recipe.clip_norm, setting
        self.mix = mixer(recipe, num_outputs(model))

    def __call__(self, inputs: Tensor, labels: Tensor) -> float:
        device = self.setting.processes.device
        inputs, targets = self.mix(inputs.to(device), labels.to(device))
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.setting.precision == "bf16"):
            logits = self.source.network(inputs)
        loss = functional.cross_entropy(logits.float(), targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.setting.processes.average_gradients(self.model.parameters())
        if self.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        self.schedule.step()
        if self.average is not None:
            self.average.update(self.model, step=self.schedule.last_epoch)
        return loss.item()


def num_outputs(model: FaceModel) -> int:
    """Width of a model's last layer."""
    last = [module for module in model.head.modules() if isinstance(module, nn.Linear)][-1]
    return last.out_features
