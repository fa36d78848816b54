"""Is this a face that the model was never taught? Scores, higher for strangers, and the threshold on them."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import logsumexp

from anime_models.errors import ConfigError
from anime_models.metrics import area_under_roc

Method = Literal["energy", "distance", "extra_class"]
METHODS: tuple[Method, ...] = get_args(Method)


class StrangerRule(BaseModel):
    """How strangers are told, fitted on validation.

    Attributes:
        method: ``energy`` (Liu et al., 2020), ``distance`` to the nearest class mean in cosine, or ``extra_class``, an
            output trained on strangers.
        threshold: a score above it means stranger.
        known_rate: share of known validation faces above the threshold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method
    threshold: float
    known_rate: float = Field(gt=0, lt=1)
    fitted_on: str
    num_known: int
    num_strangers: int


def class_means(features: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Mean unit-length feature of each class, ``[C, F]``, from features ``[N, F]`` and labels ``[N]``."""
    unit = _unit(features)
    return _unit(np.stack([unit[labels == label].mean(axis=0) for label in range(num_classes)]))


def stranger_scores(
    method: Method, outputs: np.ndarray, features: np.ndarray, means: np.ndarray | None, num_classes: int
) -> np.ndarray:
    """Stranger score of each picture, ``[N]``.

    Args:
        method: one of ``METHODS``.
        outputs: logits ``[N, C]``, or ``[N, C + 1]`` with the extra output last.
        features: pooled features ``[N, F]``.
        means: class means ``[C, F]``, for ``distance``.
        num_classes: C.
    """
    known = logsumexp(outputs[:, :num_classes], axis=1)
    if method == "energy":
        return -known
    if method == "extra_class":
        if outputs.shape[1] == num_classes:
            raise ConfigError("The model has no output for strangers; train it with --strangers, or use 'energy'.")
        return outputs[:, num_classes] - known
    if means is None:
        raise ConfigError("The method 'distance' needs the class means of the training features.")
    return 1 - (_unit(features) @ means.T).max(axis=1)


def threshold_at(known_scores: np.ndarray, known_rate: float = 0.05) -> float:
    """Score that ``known_rate`` of the known faces exceed."""
    return float(np.quantile(known_scores, 1 - known_rate))


def recognised_at(known_scores: np.ndarray, stranger: np.ndarray, known_rate: float = 0.05) -> float:
    """Share of strangers above the score that ``known_rate`` of the known faces of the same split exceed."""
    return float((stranger > threshold_at(known_scores, known_rate)).mean())


def best_method(known: dict[Method, np.ndarray], stranger: dict[Method, np.ndarray]) -> Method:
    """The method with the highest AUROC between known faces and strangers (of validation)."""
    return max(known, key=lambda method: area_under_roc(known[method], stranger[method]))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.clip(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12, None)
