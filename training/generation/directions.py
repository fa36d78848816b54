"""Candidate directions of the latent space, found without labels: SeFa and PCA."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from sklearn.decomposition import PCA

from anime_models.dcgan import Generator

NUM_ACTIVATIONS = 10_000  # latents whose feature maps PCA sees
_BATCH = 500
TOO_ALIKE = 0.5  # cosine from which two directions count as one


@dataclass(frozen=True)
class Candidate:
    """A unit vector ``[L]`` and how it was found; which way it points means nothing yet."""

    vector: np.ndarray
    method: Literal["sefa", "pca"]


def candidates(generator: Generator, num_sefa: int, num_pca: int, seed: int) -> list[Candidate]:
    """Directions of both methods, SeFa's first; where two are alike, what they change decides which one is kept."""
    return [
        *(Candidate(vector, "sefa") for vector in sefa(generator, num_sefa)),
        *(Candidate(vector, "pca") for vector in pca(generator, num_pca, seed)),
    ]


def too_alike(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two unit vectors point (or point away) along much the same line."""
    return bool(abs(first @ second) > TOO_ALIKE)


def sefa(generator: Generator, count: int) -> np.ndarray:
    """Unit vectors ``[count, L]`` along which the first layer's output changes most (SeFa; Shen and Zhou, 2021).

    With its weight as ``A`` (features x L), these are the eigenvectors of ``A^T A`` with the largest eigenvalues.
    """
    weight = generator.first.weight.detach().flatten(1).double()  # [L, C * 16], the transpose of A
    vectors = torch.linalg.eigh(weight @ weight.T).eigenvectors  # in columns, the smallest eigenvalue first
    return vectors.flip(1).T[:count].float().numpy()


def pca(generator: Generator, count: int, seed: int, num_latents: int = NUM_ACTIVATIONS) -> np.ndarray:
    """Unit vectors ``[count, L]`` for the principal components of the first feature maps (Härkönen et al., 2020).

    The feature maps are those after BatchNorm and ReLU: before it they are linear in the latent, where PCA finds what
    SeFa finds. Each component's scores are mapped back to latents by least squares.
    """
    rng = np.random.default_rng(seed)
    latents = rng.standard_normal((num_latents, generator.spec.latent_size), dtype=np.float32)
    activations = np.concatenate(list(_activations(generator, latents)))
    scores = PCA(count, svd_solver="randomized", random_state=seed).fit_transform(activations)
    back = scores.T @ latents  # least squares but for lengths, because scores do not correlate
    units: np.ndarray = back / np.linalg.norm(back, axis=1, keepdims=True)
    return units.astype(np.float32)


def _activations(generator: Generator, latents: np.ndarray) -> Iterator[np.ndarray]:
    with torch.inference_mode():
        for batch in torch.from_numpy(latents).split(_BATCH):
            yield generator.first_norm(generator.first(batch[:, :, None, None])).flatten(1).numpy()
