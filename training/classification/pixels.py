"""Training pictures in memory, and which of them make up an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pool:
    """Rows of the training pixels that are drawn from together: known faces, strangers, or procedural faces.

    Attributes:
        rows: row numbers, ``[n]``.
        weights: chance of each row within the pool, ``[n]``; all the same draws without repeats.
        share: share of every epoch that comes from this pool.
    """

    rows: Tensor
    weights: Tensor
    share: float


@dataclass(frozen=True)
class TrainingPixels:
    """Decoded training pictures: uint8 ``[N, 3, S, S]``, labels ``[N]``, and the pools they are drawn from."""

    pixels: Tensor
    labels: Tensor
    pools: tuple[Pool, ...]

    def num_steps(self, batch_size: int) -> int:
        """Steps of an epoch that draws as many pictures of the first pool as it holds."""
        return max(1, round(len(self.pools[0].rows) / self.pools[0].share / batch_size))


def balanced(labels: Tensor, exponent: float) -> Tensor:
    """Weights ``[n]`` of labels ``[n]``: ``count ** -exponent``; 0 draws pictures evenly, 1 draws classes evenly."""
    return labels.bincount()[labels].double() ** -exponent


def batches(data: TrainingPixels, num_steps: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers of one epoch, in batches of exactly ``batch_size``; the first pool fills what the others leave."""
    total = num_steps * batch_size
    counts = [round(total * pool.share) for pool in data.pools[1:]]
    counts.insert(0, total - sum(counts))
    drawn = [_draw(pool, count, generator) for pool, count in zip(data.pools, counts, strict=True)]
    rows = torch.cat(drawn)
    yield from rows[torch.randperm(total, generator=generator)].split(batch_size)


def augmented(pixels: Tensor, transform: Callable[[Tensor], Tensor], seeds: list[int]) -> Tensor:
    """Transform pictures ``[n, 3, S, S]`` one by one, each from its own seed: uint8 ``[n, 3, s, s]``.

    So a picture comes out the same whatever the other pictures of the batch, and on however many processes.
    """
    with torch.random.fork_rng(devices=[]):
        views = []
        for picture, seed in zip(pixels, seeds, strict=True):
            torch.default_generator.manual_seed(seed)
            views.append(transform(picture))
    return torch.stack(views)


def picture_seed(seed: int, view: int, number: int) -> int:
    """A seed for one view of one picture of a run."""
    return ((seed * 1_000_003 + view) * 1_000_003 + number) % 2**63


def _draw(pool: Pool, count: int, generator: torch.Generator) -> Tensor:
    size = len(pool.rows)
    if bool((pool.weights == pool.weights[0]).all()):
        rounds = [torch.randperm(size, generator=generator) for _ in range(math.ceil(count / size))]
        return pool.rows[torch.cat(rounds)[:count]] if rounds else pool.rows[:0]
    return pool.rows[torch.multinomial(pool.weights, count, replacement=True, generator=generator)]
