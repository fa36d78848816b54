"""The training loop of a distillation: small pictures first, then pictures of the size that is wanted."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import torch
from timm.optim import param_groups_weight_decay
from timm.scheduler import CosineLRScheduler
from torch import Tensor, nn
from tqdm import tqdm

from anime_models.backbones import FaceModel, set_image_size
from anime_models.errors import ConfigError
from training.common.optimisation import seed_everything
from training.common.run_state import RunState
from training.distillation.teacher import Lessons, distillation_loss

MEASURED_STEPS = 3
ROUNDS_PER_PHASE = 10  # after each round the state is saved
PATCH_SIZE, SMALLEST_SIZE = 16, 32  # pixels, of a ViT's patches and of any input


@dataclass(frozen=True)
class DistillRecipe:
    """Everything that a student depends on besides its teacher, the pictures and the seed.

    Attributes:
        epochs: passes over the training pictures, one view of each; None until they are planned.
        minutes: what they were planned from; None where they were given.
        image_size: side in pixels that the student is made for.
        finish_share: share of the pictures that it sees at this size, at the end; before, they are half as large, at a
            quarter of the cost (progressive resizing). At 1 all are of this size.
        lr: peak learning rate of AdamW, reached after the warm-up and followed by half a cosine down to zero.
        finish_lr: the same for the pictures of full size.
        weight_decay: of matrices and kernels.
        warmup_share: share of either phase over which the learning rate rises linearly.
        clip_norm: largest norm of the gradient.
        inherits: whether the student starts from the teacher's weights, cut to its shapes.
        goes_on_from: the run, taught before, that this student starts from; empty for a random start.
        epochs_before: passes that it has behind it then.
        minutes_before: how long they took.
    """

    name: str = "distill"
    epochs: float | None = None
    minutes: float | None = None
    image_size: int = 128
    finish_share: float = 0.15
    batch_size: int = 64
    lr: float = 1e-3
    finish_lr: float = 3e-4
    weight_decay: float = 0.05
    warmup_share: float = 0.1
    clip_norm: float = 5.0
    inherits: bool = False
    goes_on_from: str = ""
    epochs_before: float = 0.0
    minutes_before: float = 0.0

    @property
    def first_size(self) -> int:
        """Side in pixels of the pictures that it begins with."""
        return small_size(self.image_size) if self.finish_share < 1 else self.image_size


@dataclass(frozen=True)
class Phase:
    """A stretch of training with pictures of one size; steps are counted over all phases."""

    image_size: int
    first_step: int
    num_steps: int
    lr: float

    @property
    def rounds(self) -> list[range]:
        """Its steps, in parts of about equal length."""
        size = max(1, math.ceil(self.num_steps / ROUNDS_PER_PHASE))
        end = self.first_step + self.num_steps
        return [range(start, min(start + size, end)) for start in range(self.first_step, end, size)]


def phases_of(recipe: DistillRecipe, num_images: int) -> tuple[Phase, ...]:
    """The phase with small pictures, unless all are of full size, and the one that finishes at full size."""
    assert recipe.epochs is not None
    steps = max(2, round(recipe.epochs * num_images / recipe.batch_size))
    if recipe.finish_share == 1:
        return (Phase(recipe.image_size, 0, steps, recipe.finish_lr),)
    finish = min(max(1, round(steps * recipe.finish_share)), steps - 1)
    return (
        Phase(recipe.first_size, 0, steps - finish, recipe.lr),
        Phase(recipe.image_size, steps - finish, finish, recipe.finish_lr),
    )


def small_size(image_size: int) -> int:
    """Side of the small pictures: about half, a whole number of a ViT's patches."""
    return max(SMALLEST_SIZE, image_size // 2 // PATCH_SIZE * PATCH_SIZE)


def planned_epochs(model: FaceModel, lessons: Lessons, recipe: DistillRecipe, precision: str) -> float:
    """How many passes over the pictures fit into the recipe's minutes, by a few steps of either phase.

    ``model`` is built for the first pictures; the steps change it.
    """
    assert recipe.minutes is not None
    one_pass = replace(recipe, epochs=1.0)
    phases = phases_of(one_pass, lessons.num_images)
    student = _Student(model, phases, one_pass)
    seconds = 0.0
    for number, phase in enumerate(phases):
        student.enter(number)
        durations = [_seconds(student, phase.first_step + i, lessons, precision) for i in range(MEASURED_STEPS)]
        seconds += min(durations) * phase.num_steps
    return max(0.01, round(60 * recipe.minutes / seconds, 2))


def fit_student(
    model: FaceModel, lessons: Lessons, recipe: DistillRecipe, seed: int, precision: str, folder: Path
) -> list[dict[str, float]]:
    """Teach a model, built for the first pictures, and return the lines of ``metrics.jsonl``, one for each round.

    ``folder`` receives these lines and the state to resume from. The model ends up built for the recipe's size.

    Raises:
        ConfigError: when the loss is no longer a number.
    """
    phases = phases_of(recipe, lessons.num_images)
    student = _Student(model, phases, recipe)
    state = RunState(folder, {"student": student})
    lines = state.restore()
    rounds = [(number, steps) for number, phase in enumerate(phases) for steps in phase.rounds]
    with _bar(phases, rounds[: len(lines)]) as bar:
        for number, (phase, steps) in enumerate(rounds[len(lines) :], start=len(lines)):
            student.enter(phase)
            seed_everything(seed * 1000 + number)
            started = time.perf_counter()
            losses = []
            for step in steps:
                losses.append(student.step(step, lessons, seed, precision))
                bar.update(_work(phases[phase], 1))
            line = {
                "round": number,
                "epoch": (steps[-1] + 1) * recipe.batch_size / lessons.num_images,
                "image_size": phases[phase].image_size,
                "train/loss": sum(losses) / len(losses),
                "seconds": time.perf_counter() - started,
            }
            if not math.isfinite(line["train/loss"]):
                raise ConfigError(f"Training diverged in round {number}; lower the learning rates of the recipe.")
            lines.append(line)
            state.save(lines, best=None)
            bar.write(" ".join(f"{name}={value:.4g}" for name, value in line.items()))
    student.enter(len(phases) - 1)
    return lines


def lesson_rows(step: int, num_images: int, batch_size: int, seed: int) -> tuple[int, Tensor]:
    """The view and the rows of a step's batch: every pass is shuffled and has a view of its own."""
    steps_per_pass = max(1, num_images // batch_size)
    number, place = divmod(step, steps_per_pass)
    generator = torch.Generator().manual_seed(seed * 1000 + number)
    order = torch.randperm(num_images, generator=generator)
    return number, order[place * batch_size : (place + 1) * batch_size]


class _Student:
    """A model in training: its size and its optimizer are those of the phase that it is in."""

    def __init__(self, model: FaceModel, phases: tuple[Phase, ...], recipe: DistillRecipe) -> None:
        self.model, self.phases, self.recipe = model, phases, recipe
        self.phase = -1
        self.enter(0)

    def enter(self, phase: int) -> None:
        """Begin a phase, unless it has begun; the optimizer is a new one then."""
        if phase == self.phase:
            return
        self.phase = phase
        settings = self.phases[phase]
        set_image_size(self.model, settings.image_size)
        self.model.to(memory_format=torch.channels_last)
        groups = param_groups_weight_decay(self.model, self.recipe.weight_decay)
        self.optimizer = torch.optim.AdamW(groups, lr=settings.lr)
        self.schedule = CosineLRScheduler(
            self.optimizer,
            t_initial=settings.num_steps + 1,
            warmup_t=round(settings.num_steps * self.recipe.warmup_share),
            warmup_prefix=False,
            t_in_epochs=False,
        )

    def step(self, number: int, lessons: Lessons, seed: int, precision: str) -> float:
        """One step of the optimizer; returns the loss."""
        settings = self.phases[self.phase]
        view, rows = lesson_rows(number, lessons.num_images, self.recipe.batch_size, seed)
        inputs, targets = lessons.batch(view, rows, settings.image_size)
        # Counted from 1: at 0 and at the end of the schedule the learning rate is zero.
        self.schedule.step_update(number - settings.first_step + 1)
        self.model.train()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            embeddings = self.model(inputs)
        loss = distillation_loss(embeddings.float(), targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        return loss.item()

    def state_dict(self) -> dict[str, Any]:
        return {"phase": self.phase, "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.enter(state["phase"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


def _seconds(student: _Student, step: int, lessons: Lessons, precision: str) -> float:
    started = time.perf_counter()
    student.step(step, lessons, 0, precision)
    return time.perf_counter() - started


def _work(phase: Phase, num_steps: int) -> int:
    """What steps of a phase cost, in a unit of its own: time goes with the number of pixels."""
    return num_steps * phase.image_size**2


@contextmanager
def _bar(phases: tuple[Phase, ...], done: list[tuple[int, range]]) -> Iterator[tqdm[NoReturn]]:
    """A progress bar with the time left, on a terminal."""
    total = sum(_work(phase, phase.num_steps) for phase in phases)
    initial = sum(_work(phases[phase], len(steps)) for phase, steps in done)
    layout = "{percentage:3.0f}% |{bar}| {elapsed}, {remaining} left"
    with tqdm(total=total, initial=initial, bar_format=layout, disable=None) as bar:
        yield bar
