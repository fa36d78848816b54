"""Distances between two sets of pictures, worked out on their features ``[N, F]``."""

from __future__ import annotations

import numpy as np

from anime_models._gan.feature_arrays import check_features
from anime_models._gan.neighbours import squared_distances, squared_radii
from anime_models.errors import ConfigError

NUM_SUBSETS, SUBSET_SIZE = 50, 500


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Fréchet distance between the normal distributions with the means and covariances of two sets (FID).

    Heusel et al., 2017. Estimates from few pictures are too high, by an amount that shrinks as 1/N and depends on the
    generator (Chong and Forsyth, 2020). With fewer pictures than features (1280 of the packaged extractor) the
    covariances are singular as well: the distance is still exact for these pictures, but a multiple of what many
    pictures would give. So compare it at equal numbers only, and with its floor (:func:`real_floor`).

    Args:
        real: features ``[N, F]``, N >= 2.
        fake: features ``[M, F]``, M >= 2.

    Raises:
        ConfigError: when the features cannot be compared, or a set has fewer than 2 pictures.
    """
    check_features(real, fake)
    (real_mean, real_root), (fake_mean, fake_root) = _moments(real), _moments(fake)
    shift = real_mean - fake_mean
    # With covariances A'A and B'B, the trace of the square root of their product is the sum of AB's singular values
    # (B transposed), which needs no root of a nearly singular matrix.
    overlap = np.linalg.svd(real_root @ fake_root.T, compute_uv=False).sum()
    return max(0.0, float(shift @ shift + (real_root**2).sum() + (fake_root**2).sum() - 2 * overlap))


def _moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``[F]`` and a root A of the covariance A'A, with at most F rows, in float64."""
    values = np.array(rows, dtype=np.float64)
    mean = values.mean(axis=0)
    values -= mean
    values /= np.sqrt(len(values) - 1)
    if len(values) > values.shape[1]:
        values = np.asarray(np.linalg.qr(values, mode="r"))
    return mean, values


def kernel_distance(
    real: np.ndarray,
    fake: np.ndarray,
    *,
    num_subsets: int = NUM_SUBSETS,
    subset_size: int | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Squared maximum mean discrepancy with the kernel (x.y / F + 1)^3 (KID), unbiased at any number of pictures.

    Bińkowski et al., 2018.

    Args:
        real: features ``[N, F]``.
        fake: features ``[M, F]``.
        num_subsets: random pairs of subsets that it is averaged over.
        subset_size: pictures in a subset; None takes 500, and at most half of the smaller set, so that subsets differ.
        seed: of the subsets.

    Returns:
        Mean and standard deviation over the subsets.

    Raises:
        ConfigError: when the features cannot be compared, or a set has fewer pictures than a subset, or a subset has
            fewer than 2.
    """
    check_features(real, fake)
    smaller = min(len(real), len(fake))
    size = min(SUBSET_SIZE, max(2, smaller // 2)) if subset_size is None else subset_size
    if not 2 <= size <= smaller or num_subsets < 1:
        raise ConfigError(
            f"num_subsets is {num_subsets} and subset_size {size}; at least 1 subset of 2 to {smaller} pictures is "
            "needed."
        )
    random = np.random.default_rng(seed)
    real, fake = (np.asarray(rows, dtype=np.float32) for rows in (real, fake))
    distances = [
        _mean_discrepancy(
            real[random.choice(len(real), size, replace=False)], fake[random.choice(len(fake), size, replace=False)]
        )
        for _ in range(num_subsets)
    ]
    return float(np.mean(distances)), float(np.std(distances))


def _mean_discrepancy(real: np.ndarray, fake: np.ndarray) -> float:
    """The unbiased estimate from two sets of one size: pairs of a picture with itself are left out."""
    size = len(real)
    within = [_kernel(rows, rows) for rows in (real, fake)]
    same = sum((kernel.sum() - np.trace(kernel)) / (size * (size - 1)) for kernel in within)
    return float(same - 2 * _kernel(real, fake).mean())


def _kernel(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Polynomial kernel ``[N, M]`` in float64."""
    values: np.ndarray = ((rows @ columns.T).astype(np.float64) / rows.shape[1] + 1) ** 3
    return values


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al., 2019).

    A set's region is the union of the balls around its pictures that reach to each one's k-th nearest neighbour in the
    set. Precision is the share of ``fake`` in the region of ``real``, recall the share of ``real`` in that of ``fake``.

    Args:
        real: features ``[N, F]``, N > k.
        fake: features ``[M, F]``, M > k. Both shares depend on N and M: compare them at equal numbers.
        k: neighbour that a ball reaches to.

    Returns:
        Precision and recall, in [0, 1].

    Raises:
        ConfigError: when the features cannot be compared, or k is not below the number of pictures of each set.
    """
    check_features(real, fake)
    real, fake = (np.asarray(rows, dtype=np.float32) for rows in (real, fake))
    real_radii, fake_radii = squared_radii(real, k), squared_radii(fake, k)
    fake_covered, real_covered = [], np.zeros(len(real), dtype=bool)
    start = 0
    for squared in squared_distances(fake, real):
        fake_covered.append((squared <= real_radii).any(axis=1))
        real_covered |= (squared <= fake_radii[start : start + len(squared), None]).any(axis=0)
        start += len(squared)
    return float(np.concatenate(fake_covered).mean()), float(real_covered.mean())
