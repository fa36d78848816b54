"""Euclidean distances between many features, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anime_models._gan.feature_arrays import check_features
from anime_models.errors import ConfigError

BLOCK_SIZE = 2**25  # distances in one block: 128 MiB


def nearest(train: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest training picture of each query, by Euclidean distance between features.

    Besides the features it takes a copy of ``train`` and about 300 MB, whatever the number of queries.

    Args:
        train: features ``[N, F]``, N >= 1.
        queries: features ``[M, F]``, M >= 1.

    Returns:
        Distances float32 ``[M]`` and rows of ``train``, int64 ``[M]``.

    Raises:
        ConfigError: when the features cannot be compared.
    """
    check_features(train, queries, least=1)
    train, queries = (np.asarray(features, dtype=np.float32) for features in (train, queries))
    indices = np.concatenate([squared.argmin(axis=1) for squared in squared_distances(queries, train)])
    distances = np.empty(len(queries), np.float32)
    for start in range(0, len(queries), 1024):
        rows = slice(start, start + 1024)
        # Differences instead of products: what is equal has the distance 0, without the rounding of the products.
        distances[rows] = np.linalg.norm(queries[rows] - train[indices[rows]], axis=1)
    return distances, indices


def squared_distances(rows: np.ndarray, columns: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks of rows of the squared distances between float32 ``[N, F]`` and ``[M, F]``, in order."""
    centre = columns.mean(axis=0)  # distances stay, and products of smaller numbers lose fewer digits
    columns = columns - centre
    column_norms = np.einsum("nf,nf->n", columns, columns)
    height = max(1, BLOCK_SIZE // len(columns))
    for start in range(0, len(rows), height):
        block = rows[start : start + height] - centre
        squared = block @ columns.T
        squared *= -2
        squared += column_norms
        squared += np.einsum("nf,nf->n", block, block)[:, None]
        yield np.maximum(squared, 0, out=squared)


def squared_radii(points: np.ndarray, k: int) -> np.ndarray:
    """Squared distance of each of ``[N, F]`` to its k-th nearest other point, ``[N]``."""
    if not 1 <= k < len(points):
        raise ConfigError(f"k is {k}; it must be at least 1 and below the number of pictures, {len(points)}.")
    # Place 0 is the point itself.
    return np.concatenate([np.partition(squared, k, axis=1)[:, k] for squared in squared_distances(points, points)])
