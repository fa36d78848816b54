"""Losses of the two networks, and what a person sees of them: the real and the fake score."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def discriminator_loss(real: Tensor, fake: Tensor, kind: str) -> Tensor:
    """Loss of logits ``[N]`` of real and of generated pictures; ``bce`` or ``hinge``."""
    if kind == "bce":
        return functional.softplus(-real).mean() + functional.softplus(fake).mean()
    return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()


def generator_loss(fake: Tensor, kind: str) -> Tensor:
    """Loss of the logits ``[N]`` of generated pictures: non-saturating for ``bce``."""
    return functional.softplus(-fake).mean() if kind == "bce" else -fake.mean()


def gradient_penalty(logits: Tensor, real: Tensor) -> Tensor:
    """R1: half the squared norm of logits' gradient with regard to the real pictures (Mescheder et al., 2018).

    Args:
        logits: the discriminator's, ``[N]``, with their graph.
        real: ``[N, 3, S, S]``, what they were computed of, a leaf that requires its gradient.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return 0.5 * gradient.square().flatten(1).sum(dim=1).mean()


def score(logits: Tensor) -> float:
    """Mean probability of being real, in [0, 1]: Ning's real score and fake score."""
    return float(torch.sigmoid(logits.detach().float()).mean())
