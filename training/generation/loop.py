"""The training loop of a generator against its discriminator; resumable from its last epoch."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from tqdm import tqdm

from anime_models.dcgan import Discriminator, Generator
from anime_models.errors import ConfigError
from training.common.optimisation import seed_everything
from training.common.precision import faster_precision
from training.common.run_state import RunState
from training.generation.augment import differentiable
from training.generation.data import GanData, gan_batches
from training.generation.losses import discriminator_loss, generator_loss, gradient_penalty, score
from training.generation.networks import networks
from training.generation.recipe import GanRecipe
from training.generation.start import GanStart

# Figures after an epoch, of the generator that is kept and of the one that is trained; the first one's FID chooses.
Measure = Callable[[Generator, Generator, int], dict[str, float]]
FID, COLLAPSED = "held_out/fid", "samples/collapsed"
COLLAPSED_EPOCHS = 3  # in a row, after which training stops
SLOW_START = 10  # such epochs that a generator from random weights is given whose faces have never differed yet


@dataclass(frozen=True)
class FittedGan:
    """What training ends with: both networks at the epoch that is kept, and the line of ``metrics.jsonl`` of each."""

    generator: Generator
    discriminator: Discriminator
    best_epoch: int
    epochs: list[dict[str, float]]


class Adversaries:
    """Both networks, their optimisers and the generator's moving average: all that a step of training changes."""

    def __init__(
        self, recipe: GanRecipe, num_steps: int, precision: str, seed: int, start: GanStart | None = None
    ) -> None:
        seed_everything(seed)
        self.recipe, self.precision = recipe, precision
        generator, discriminator = networks(recipe)
        if start is not None:
            # Residual blocks that the start lacks stay as they are, adding nothing.
            generator.load_state_dict({**generator.state_dict(), **start.generator.state_dict()})
            discriminator.load_state_dict(start.discriminator.state_dict())
        self.generator = generator.to(memory_format=torch.channels_last)
        self.discriminator = discriminator.to(memory_format=torch.channels_last)
        self.optimizers = {
            "generator": _adam(self.generator, recipe.generator_lr, recipe),
            "discriminator": _adam(self.discriminator, recipe.discriminator_lr, recipe),
        }
        self.schedules = {
            name: torch.optim.lr_scheduler.LambdaLR(optimizer, _decay(recipe, num_steps))
            for name, optimizer in self.optimizers.items()
        }
        self.average = ModelEmaV3(self.generator, decay=recipe.ema_decay, use_warmup=True) if recipe.ema_decay else None

    @property
    def parts(self) -> dict[str, object]:
        """What an unfinished run is resumed from, by name."""
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        optimizers = {f"{name}_optimizer": optimizer for name, optimizer in self.optimizers.items()}
        schedules = {f"{name}_schedule": schedule for name, schedule in self.schedules.items()}
        average = {} if self.average is None else {"average": self.average}
        return {**networks, **optimizers, **schedules, **average}

    @property
    def measured(self) -> Generator:
        """The generator that is measured and kept."""
        if self.average is None:
            return self.generator
        average: Generator = self.average.module
        return average

    def step(self, real: Tensor) -> dict[str, float]:
        """One step of either network on a batch of real pictures; losses and scores."""
        recipe, augmentation, penalty_weight = self.recipe, self.recipe.augmentation, self._penalty_weight()
        latents = training_latents(len(real), recipe)
        with self.autocast():
            fake = self.generator(latents)
            seen_real = differentiable(real, augmentation).detach().requires_grad_(penalty_weight > 0)
            real_logits = self.discriminator(seen_real).float()
            fake_logits = self.discriminator(differentiable(fake.detach(), augmentation)).float()
        loss = discriminator_loss(real_logits, fake_logits, recipe.loss)
        penalty = penalty_weight * gradient_penalty(real_logits, seen_real) if penalty_weight else 0.0
        self._update("discriminator", loss + penalty)
        with self.autocast(), frozen(self.discriminator):
            judged = self.discriminator(differentiable(fake, augmentation)).float()
        generated_loss = generator_loss(judged, recipe.loss)
        self._update("generator", generated_loss)
        if self.average is not None:
            self.average.update(self.generator, self.schedules["generator"].last_epoch)
        return {
            "train/discriminator_loss": float(loss.detach()),
            "train/generator_loss": float(generated_loss.detach()),
            "train/real_score": score(real_logits),
            "train/fake_score": score(fake_logits),
        }

    def autocast(self) -> torch.autocast:
        """bf16 where it was chosen."""
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.precision == "bf16")

    def _penalty_weight(self) -> float:
        """Of the gradient penalty in the next step: it is seldom, and so much the stronger (Karras et al., 2020)."""
        num_steps = self.schedules["discriminator"].last_epoch  # which a resumed run has restored
        return 0.0 if num_steps % self.recipe.r1_every else self.recipe.r1 * self.recipe.r1_every

    def _update(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()
        self.schedules[name].step()


def fit_gan(
    data: GanData,
    measure: Measure,
    recipe: GanRecipe,
    seed: int,
    precision: str,
    folder: Path,
    *,
    start: GanStart | None = None,
    stop_now: bool = False,
    progress: bool = True,
) -> FittedGan:
    """Train both networks by a recipe, from random weights or a start, and return them at the epoch of the lowest FID.

    Epochs are counted from the first one of the start's own training; one of the new ones is kept. With ``stop_now`` a
    run that was interrupted is not gone on with, but ended as it is.

    Raises:
        ConfigError: when there are fewer pictures than a batch, a loss is no longer a number, or there is no epoch to
            end with.
    """
    steps_per_epoch = num_batches(len(data.train), recipe)
    adversaries = Adversaries(recipe, steps_per_epoch * recipe.epochs, precision, seed, start)
    state = RunState(folder, adversaries.parts)
    before = [] if start is None else list(start.epochs)
    num_epochs = len(before) + recipe.epochs
    epochs = state.restore() or list(before)
    began, num_restored = time.perf_counter(), len(epochs)
    if stop_now and num_restored == len(before):
        raise ConfigError("The run has not ended its first epoch, so there is nothing to keep; leave --stop-now out.")
    for epoch in range(num_restored, num_restored if stop_now else num_epochs):
        if reason := reason_to_stop(epochs[len(before) :], recipe, start is not None):
            print(reason, flush=True)
            break
        random = seed_everything(seed + 1_000_003 * (epoch + 1))
        started = time.perf_counter()
        batches = gan_batches(data, recipe.batch_size, recipe.mirror, random)
        bar = tqdm(batches, total=steps_per_epoch, desc=f"epoch {epoch + 1}/{num_epochs}", disable=not progress)
        line = {"epoch": float(epoch), **_means([_finite(adversaries.step(real), epoch) for real in bar])}
        line["seconds"] = time.perf_counter() - started
        line |= measure(adversaries.measured, adversaries.generator, epoch)
        epochs.append(line)
        kept = best_epoch(epochs[len(before) :]) == epoch
        state.save(epochs, _weights(adversaries) if kept else None)
        remaining = (num_epochs - epoch - 1) * (time.perf_counter() - began) / (len(epochs) - num_restored)
        print(
            " ".join(f"{name}={value:.4g}" for name, value in line.items()), f"left={remaining / 60:.0f}min", flush=True
        )
    return FittedGan(*_loaded(recipe, state.best_weights()), best_epoch(epochs[len(before) :]), epochs)


def num_batches(num_pictures: int, recipe: GanRecipe) -> int:
    """Full batches, which alone are trained on, in an epoch of so many pictures.

    Raises:
        ConfigError: when there are fewer pictures than a batch.
    """
    if num_pictures < recipe.batch_size:
        raise ConfigError(
            f"{num_pictures} training pictures make no batch of {recipe.batch_size}; add pictures, "
            "or train on a larger --typical-share."
        )
    return num_pictures // recipe.batch_size


def training_latents(count: int, recipe: GanRecipe) -> Tensor:
    """Latents ``[count, latent_size]`` of a training step: N(0, 1), each shortened as the recipe says."""
    latents = torch.randn(count, recipe.latent_size)
    if recipe.shortest_latent == 1:
        return latents
    return latents * torch.empty(count, 1).uniform_(recipe.shortest_latent, 1)


def gan_precision(recipe: GanRecipe) -> str:
    """``bf16`` where a step of this recipe, with its penalty if it has one, is clearly faster in it on this machine."""
    always = replace(recipe, r1_every=1)
    adversaries = {name: Adversaries(always, 100, name, seed=0) for name in ("fp32", "bf16")}
    real = torch.zeros(min(recipe.batch_size, 32), 3, recipe.image_size, recipe.image_size)
    real = real.to(memory_format=torch.channels_last)

    def step(autocast: bool) -> None:
        adversaries["bf16" if autocast else "fp32"].step(real)

    return faster_precision(step)


def best_epoch(epochs: list[dict[str, float]]) -> int:
    """The epoch of the lowest FID on held-out faces; the last one while none is measured."""
    measured = [(line[FID], int(line["epoch"])) for line in epochs if FID in line]
    return min(measured)[1] if measured else int(epochs[-1]["epoch"])


def reason_to_stop(epochs: list[dict[str, float]], recipe: GanRecipe, started: bool = False) -> str | None:
    """Why training ends before its last epoch: the generator has collapsed, or the recipe's patience is spent.

    Args:
        epochs: lines of ``metrics.jsonl`` of this training alone.
        recipe: what it is trained by.
        started: whether the generator was a trained one at first.
    """
    alike = len(list(itertools.takewhile(lambda line: line.get(COLLAPSED), reversed(epochs))))
    yet_to_learn = alike == len(epochs) and not started
    if alike >= (SLOW_START if yet_to_learn else COLLAPSED_EPOCHS):
        return f"Stopped after {len(epochs)} epochs: all faces have looked alike for {alike} of them."
    since_best = [line for line in epochs if FID in line and line["epoch"] > best_epoch(epochs)]
    waited = int(epochs[-1]["epoch"]) - best_epoch(epochs) if since_best else 0
    if recipe.patience and waited >= recipe.patience:
        return f"Stopped after {len(epochs)} epochs: the FID has not fallen for {waited} of them."
    return None


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Gradients pass through a network without being gathered in its weights, which saves their computation."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in network.parameters():
            parameter.requires_grad_(True)


def _adam(network: nn.Module, lr: float, recipe: GanRecipe) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=lr, betas=(recipe.beta1, recipe.beta2))


def _decay(recipe: GanRecipe, num_steps: int) -> Callable[[int], float]:
    """Constant, then linear down to zero over the last share of the steps."""
    falling = recipe.decay_share * num_steps
    return lambda step: min(1.0, max(0, num_steps - step) / falling) if falling else 1.0


def _finite(figures: dict[str, float], epoch: int) -> dict[str, float]:
    for name, value in figures.items():
        if not math.isfinite(value):
            raise ConfigError(f"Training diverged in epoch {epoch + 1} ({name} is {value}); use lower learning rates.")
    return figures


def _means(steps: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(step[name] for step in steps) / len(steps) for name in steps[0]}


def _weights(adversaries: Adversaries) -> dict[str, Tensor]:
    named = {"generator": adversaries.measured, "discriminator": adversaries.discriminator}
    return {f"{name}/{key}": tensor for name, network in named.items() for key, tensor in network.state_dict().items()}


def _loaded(recipe: GanRecipe, weights: Mapping[str, Tensor]) -> tuple[Generator, Discriminator]:
    generator, discriminator = networks(recipe)
    for name, network in {"generator": generator, "discriminator": discriminator}.items():
        network.load_state_dict({k.split("/", 1)[1]: t for k, t in weights.items() if k.startswith(f"{name}/")})
    return generator.eval(), discriminator.eval()
