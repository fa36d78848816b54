"""Which training pictures a generator learns from: the most typical ones, where a recipe asks for it.

Instance selection (DeVries, Drozdzal and Taylor, 2020): a small generator spends what it has on the dense part of the
data, instead of on faces that it could not draw anyway.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch

from anime_models.gan_metrics import FeatureExtractor, features
from training.generation.data import GanData
from training.generation.measure import picture_batches

LEAST_VARIANCE = 1e-6  # of a direction of feature space, as a share of the largest


def num_typical(count: int, share: float) -> int:
    """How many of ``count`` pictures a share of (0, 1] is, rounded up."""
    return math.ceil(round(share * count, 6))  # 0.07 of 100 are 7, whatever floats make of it


def typical_data(data: GanData, share: float, extractor: FeatureExtractor) -> GanData:
    """The data with the given share of its training pictures, those with the likeliest features, in their old order."""
    if share == 1:
        return data
    rows = most_typical(features(extractor, picture_batches(data.train)), share)
    return dataclasses.replace(data, train=data.train[torch.from_numpy(rows)])


def most_typical(values: np.ndarray, share: float) -> np.ndarray:
    """Rows, in ascending order, of the share of features ``[N, F]`` that are likeliest under one Gaussian of all."""
    centred = np.asarray(values, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    usable = np.maximum(variances, LEAST_VARIANCE * variances[-1])
    distances = ((centred @ axes) ** 2 / usable).sum(axis=1)
    return np.sort(np.argsort(distances, kind="stable")[: num_typical(len(values), share)])
