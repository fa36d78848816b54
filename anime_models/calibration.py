"""Confidences that hold: temperature scaling, conformal label sets, abstention and the threshold for strangers.

Everything here is fitted on validation logits and travels in ``config.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from anime_models.errors import ConfigError
from anime_models.metrics import risk_coverage, softmax, top_label

LOG_TEMPERATURE_BOUNDS = (np.log(0.02), np.log(50.0))
# Error rates among the answers that are given: the one that is wanted, and what a model falls back to.
SELECTIVE_RISKS, LEAST_ANSWERED = (0.05, 0.1, 0.2), 0.1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Conformal(_Part):
    """Adaptive prediction sets (Romano, Sesia and Candès, 2020) at miss rate ``alpha``."""

    method: Literal["aps"] = "aps"
    alpha: float = Field(gt=0, lt=1)
    threshold: float = Field(ge=0, le=1)


class Abstention(_Part):
    """Answers below ``threshold`` are withheld; ``selective_risk`` bounds the error rate of those given on the fit."""

    selective_risk: float = Field(gt=0, lt=1)
    threshold: float = Field(ge=0, le=1)


class Calibration(_Part):
    """What was fitted after training; ``temperature`` divides the logits."""

    method: Literal["temperature"] = "temperature"
    temperature: float = Field(ge=1e-3, le=1e3)
    conformal: Conformal
    abstention: Abstention
    fitted_on: str
    num_images: int


def calibrated(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities ``[N, C]`` of logits ``[N, C]`` at a temperature above 0."""
    if not temperature > 0:
        raise ConfigError(f"A temperature must be above 0, not {temperature}; fit it on validation logits.")
    return softmax(logits / temperature)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Temperature with the lowest negative log-likelihood (Guo et al., 2017), found by a bracketed search.

    The search runs over the logarithm, so that the temperature cannot turn negative. The loss is convex in the inverse
    temperature, so the one minimum within the bounds is found.

    Args:
        logits: float ``[N, C]``, from validation.
        labels: int ``[N]``.
    """

    def loss(log_temperature: float) -> float:
        log_probabilities = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-log_probabilities[np.arange(len(labels)), labels].mean())

    best = minimize_scalar(loss, bounds=LOG_TEMPERATURE_BOUNDS, method="bounded", options={"xatol": 1e-5})
    return float(np.exp(best.x))


def _mass_before(probabilities: np.ndarray) -> np.ndarray:
    """Probability of all classes more probable than each class, ``[N, C]``."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1)
    before = np.empty_like(probabilities)
    np.put_along_axis(before, order, np.cumsum(ranked, axis=1) - ranked, axis=1)
    return before


def fit_conformal(probabilities: np.ndarray, labels: np.ndarray, alpha: float = 0.1) -> Conformal:
    """Threshold at which randomised adaptive sets miss ``alpha`` of the labels.

    A class joins the set when the mass before it plus ``u`` times its own probability stays within the threshold,
    with ``u`` uniform in [0, 1]. The expectation over ``u`` is taken exactly, so that the threshold depends on the
    data alone; the level is ``ceil((N + 1)(1 - alpha)) / N``, the finite-sample one.

    Args:
        probabilities: float ``[N, C]``, calibrated, from validation.
        labels: int ``[N]``.
        alpha: share of labels that may be missed.
    """
    num_images = len(labels)
    level = min(1.0, np.ceil((num_images + 1) * (1 - alpha)) / num_images)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if inclusion(probabilities, middle)[np.arange(num_images), labels].mean() < level:
            low = middle
        else:
            high = middle
    return Conformal(alpha=alpha, threshold=high)


def inclusion(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Chance that each class is in the randomised set, ``[N, C]``; its row sums are expected set sizes."""
    room = threshold - _mass_before(probabilities)
    return np.clip(room / np.clip(probabilities, 1e-12, None), 0.0, 1.0)


def label_sets(probabilities: np.ndarray, conformal: Conformal) -> list[np.ndarray]:
    """The sets that are shown: every class that the randomised set can hold, most probable first.

    They contain the randomised sets, so they cover at least as much, and never are empty.
    """
    before = _mass_before(probabilities)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return [
        row_order[(row_before[row_order] < conformal.threshold) | (np.arange(len(row_order)) == 0)]
        for row_order, row_before in zip(order, before, strict=True)
    ]


def fit_abstention(
    probabilities: np.ndarray, labels: np.ndarray, selective_risks: Sequence[float] = SELECTIVE_RISKS
) -> Abstention:
    """Lowest confidence at which the answers that reach it err at most as often as allowed.

    The first of ``selective_risks`` counts at which at least ``LEAST_ANSWERED`` of the pictures get an answer: where a
    few confident mistakes keep a model from the first one, it has to be content with the next, which the result says,
    instead of hardly answering at all. Where none can be reached, only answers more confident than every one seen are
    given.
    """
    confidences, correct = top_label(labels, probabilities)
    _, risks = risk_coverage(confidences, correct)
    ranked = np.sort(confidences)[::-1]
    # A threshold lets all answers of one confidence through or none: only the last of equals counts.
    last_of_equals = np.append(ranked[1:] < ranked[:-1], True)
    for selective_risk in selective_risks:
        good = np.flatnonzero((risks <= selective_risk) & last_of_equals)
        if len(good) and good[-1] + 1 >= LEAST_ANSWERED * len(ranked):
            return Abstention(selective_risk=selective_risk, threshold=float(np.clip(ranked[good[-1]], 0, 1)))
    nowhere = float(np.clip(np.nextafter(ranked[0], np.inf), 0, 1))
    return Abstention(selective_risk=selective_risks[0], threshold=nowhere)


def fit_calibration(logits: np.ndarray, labels: np.ndarray, fitted_on: str = "validation") -> Calibration:
    """Fit temperature, conformal sets and abstention on the logits ``[N, C]`` of one split."""
    temperature = fit_temperature(logits, labels)
    probabilities = calibrated(logits, temperature)
    return Calibration(
        temperature=temperature,
        conformal=fit_conformal(probabilities, labels),
        abstention=fit_abstention(probabilities, labels),
        fitted_on=fitted_on,
        num_images=len(labels),
    )
