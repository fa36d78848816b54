"""How much faster a generator's training is than a plain loop: the same recipe, networks and batches in fp32, NCHW.

    python -m tests.benchmarks.bench_gan --threads 1

Both take turns, so that a slower moment of the machine hits both. Exits with 1 when the aim is missed.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from training.generation.loop import Adversaries, gan_precision, networks
from training.generation.recipe import GAN_RECIPES, GAN_SCALES, GanRecipe, gan_at_scale, gan_recipe

AIM = 1.8  # times the pictures per second of the plain loop
ROUNDS = 5


def main(arguments: list[str] | None = None) -> int:
    """Print both rates and their ratio; 1 when the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--recipe", choices=tuple(GAN_RECIPES), default="ours")
    parser.add_argument("--scale", choices=GAN_SCALES, default="cpu")
    parser.add_argument("--steps", type=int, default=4, help="in each of the rounds")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    recipe = gan_at_scale(gan_recipe(options.recipe), options.scale)
    precision = gan_precision(recipe)
    real = torch.rand(recipe.batch_size, 3, recipe.image_size, recipe.image_size) * 2 - 1
    plain = plain_step(recipe)
    adversaries = Adversaries(recipe, 10_000, precision, seed=0)
    nhwc = real.contiguous(memory_format=torch.channels_last)
    loops = {"plain": lambda: plain(real), "ours": lambda: adversaries.step(nhwc)}
    rates: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(ROUNDS):
        for name, step in loops.items():
            rates[name].append(recipe.batch_size * options.steps / seconds(step, options.steps))
    ours, plainly = (statistics.median(rates[name]) for name in ("ours", "plain"))
    print(f"{recipe.name} at scale {recipe.scale}, {options.threads} thread(s), {precision}: {ours:.0f} pictures/s")
    print(f"plain fp32 loop: {plainly:.0f} pictures/s; {ours / plainly:.2f}x (aim {AIM}x)")
    return int(ours / plainly < AIM)


def seconds(step: Callable[[], object], steps: int) -> float:
    """Seconds of some steps."""
    started = time.perf_counter()
    for _ in range(steps):
        step()
    return time.perf_counter() - started


def plain_step(recipe: GanRecipe) -> Callable[[Tensor], float]:
    """One step of either network as tutorials write it, with what the recipe adds; returns the generator's loss."""
    torch.manual_seed(0)
    generator, discriminator = networks(recipe)
    average = copy.deepcopy(generator)
    rates = {"generator": recipe.generator_lr, "discriminator": recipe.discriminator_lr}
    betas = (recipe.beta1, recipe.beta2)
    of_generator = torch.optim.Adam(generator.parameters(), lr=rates["generator"], betas=betas)
    of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=rates["discriminator"], betas=betas)
    turns = itertools.count()

    def step(real: Tensor) -> float:
        fake = generator(torch.randn(len(real), recipe.latent_size))
        of_discriminator.zero_grad()
        penalised = bool(recipe.r1) and next(turns) % recipe.r1_every == 0
        real_logits = discriminator(real.requires_grad_(penalised))
        judged = functional.softplus(-real_logits).mean() + functional.softplus(discriminator(fake.detach())).mean()
        if penalised:
            (slopes,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
            judged = judged + recipe.r1 * recipe.r1_every * slopes.square().sum(dim=(1, 2, 3)).mean()
        judged.backward()
        of_discriminator.step()
        of_generator.zero_grad()
        loss = functional.softplus(-discriminator(fake)).mean()
        loss.backward()
        of_generator.step()
        if recipe.ema_decay:
            with torch.no_grad():
                for kept, new in zip(average.parameters(), generator.parameters(), strict=True):
                    kept.lerp_(new, 1 - recipe.ema_decay)
        return loss.item()

    return step


if __name__ == "__main__":
    sys.exit(main())
