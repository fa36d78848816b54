"""Numbers from arrays: accuracy, F1, confusion, calibration errors, risk-coverage, intervals.

Throughout, ``labels`` is int ``[N]``, ``predictions`` is int ``[N]`` and ``probabilities`` is float ``[N, C]`` with
rows that sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

NUM_BINS = 15


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram: predictions with confidence in (lower, upper]; NaN where there are none."""

    lower: float
    upper: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 of each class, ``[C]``; 0 where undefined."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities ``[N, C]`` of logits ``[N, C]``."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts ``[C, C]``: rows are true classes, columns are predicted ones."""
    return np.bincount(labels * num_classes + predictions, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_scores(confusion: np.ndarray) -> ClassScores:
    """Precision, recall and F1 by class from a confusion matrix ``[C, C]``."""
    hits = np.diag(confusion).astype(float)
    predicted, support = confusion.sum(axis=0), confusion.sum(axis=1)
    precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
    recall = np.divide(hits, support, out=np.zeros_like(hits), where=support > 0)
    total = predicted + support
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    return ClassScores(precision, recall, f1, support)


def present_classes(confusion: np.ndarray) -> np.ndarray:
    """Which classes occur among the labels or the predictions, bool ``[C]``; macro averages are taken over these."""
    occurs: np.ndarray = (confusion.sum(axis=0) + confusion.sum(axis=1)) > 0
    return occurs


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Share of right predictions."""
    return float(np.mean(labels == predictions))


def macro_f1(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> float:
    """Mean of the F1 of the classes that occur among the labels or the predictions."""
    confusion = confusion_matrix(labels, predictions, num_classes)
    return float(class_scores(confusion).f1[present_classes(confusion)].mean())


def top_k_accuracy(labels: np.ndarray, probabilities: np.ndarray, k: int) -> float:
    """Share of pictures whose class is among the ``k`` most probable."""
    best = np.argsort(-probabilities, axis=1)[:, :k]
    return float((best == labels[:, None]).any(axis=1).mean())


def negative_log_likelihood(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of ``-log p(label)`` in nats."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(chosen, 1e-12, None)).mean()) + 0.0  # no negative zero


def brier_score(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared distance to the one-hot label, summed over classes, in [0, 2] (Brier, 1950)."""
    return float(((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(axis=1).mean())


def reliability(confidences: np.ndarray, correct: np.ndarray, num_bins: int = NUM_BINS) -> list[Bin]:
    """Bars of the reliability diagram with equal widths (Guo et al., 2017)."""
    edges = np.linspace(0, 1, num_bins + 1)
    which = np.clip(np.ceil(confidences * num_bins).astype(int) - 1, 0, num_bins - 1)
    return [_bin(edges[i], edges[i + 1], confidences[which == i], correct[which == i]) for i in range(num_bins)]


def adaptive_reliability(confidences: np.ndarray, correct: np.ndarray, num_bins: int = NUM_BINS) -> list[Bin]:
    """Bars with (nearly) equal counts instead of equal widths (Nixon et al., 2019)."""
    order = np.argsort(confidences, kind="stable")
    parts = [part for part in np.array_split(order, num_bins) if len(part)]
    return [_bin(confidences[part].min(), confidences[part].max(), confidences[part], correct[part]) for part in parts]


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error: the gap between confidence and accuracy of the bars, weighted by their counts."""
    filled = [bar for bar in bins if bar.count]
    total = sum(bar.count for bar in filled)
    return float(sum(bar.count * abs(bar.confidence - bar.accuracy) for bar in filled) / total)


def chance_calibration_errors(
    confidences: np.ndarray, seed: int = 0, num_draws: int = 1000, num_bins: int = NUM_BINS
) -> np.ndarray:
    """Calibration errors ``[num_draws]`` that perfectly calibrated answers with these confidences ``[N]`` would get.

    Whether an answer is right is drawn with its confidence as the chance (consistency resampling, Bröcker and Smith,
    2007). With few pictures chance alone makes an error, and a measured one means little within its range.
    """
    rng = np.random.default_rng(seed)
    which = np.clip(np.ceil(confidences * num_bins).astype(int) - 1, 0, num_bins - 1)
    right = rng.random((num_draws, len(confidences))) < confidences
    surplus = (right - confidences) @ np.eye(num_bins)[which]
    errors: np.ndarray = np.abs(surplus).sum(axis=1) / len(confidences)
    return errors


def top_label(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Confidence of the most probable class ``[N]`` and whether it is right ``[N]``."""
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def classwise_calibration_error(labels: np.ndarray, probabilities: np.ndarray, num_bins: int = NUM_BINS) -> float:
    """Mean over classes of the calibration error of that class's probability (Kull et al., 2019)."""
    columns = range(probabilities.shape[1])
    errors = [calibration_error(reliability(probabilities[:, c], labels == c, num_bins)) for c in columns]
    return float(np.mean(errors))


def risk_coverage(confidences: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage ``[N]`` and selective risk ``[N]`` when the 1, 2, … N most confident answers are given."""
    order = np.argsort(-confidences, kind="stable")
    answered = np.arange(1, len(order) + 1)
    return answered / len(order), np.cumsum(~correct[order]) / answered


def area_under_risk_coverage(confidences: np.ndarray, correct: np.ndarray) -> float:
    """AURC: mean selective risk over all coverages (Geifman et al., 2019); lower is better."""
    return float(risk_coverage(confidences, correct)[1].mean())


def area_under_roc(negatives: np.ndarray, positives: np.ndarray) -> float:
    """AUROC: chance that a positive scores higher than a negative, ties counting half."""
    order = np.sort(negatives)
    below = np.searchsorted(order, positives, side="left")
    below_or_equal = np.searchsorted(order, positives, side="right")
    return float((below + below_or_equal).mean() / (2 * len(negatives)))


def bootstrap_interval(
    statistic: Callable[[np.ndarray], float], groups: Sequence[str], seed: int = 0, num_draws: int = 1000
) -> tuple[float, float]:
    """The interval of a single ``statistic(rows)``, as `bootstrap_intervals` gives it."""
    return bootstrap_intervals(lambda rows: {"": statistic(rows)}, groups, seed, num_draws)[""]


def bootstrap_intervals(
    statistics: Callable[[np.ndarray], dict[str, float]], groups: Sequence[str], seed: int = 0, num_draws: int = 1000
) -> dict[str, tuple[float, float]]:
    """95% percentile intervals of ``statistics(rows)`` over groups drawn with replacement (cluster bootstrap).

    Pictures of one group (a character, a drawing) are alike, so that drawing picture by picture would give too narrow
    an interval. ``groups`` has a name for each picture; where all differ, pictures are drawn.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(np.array(groups) == group) for group in dict.fromkeys(groups)]
    draws = (rng.integers(0, len(members), len(members)) for _ in range(num_draws))
    values = [statistics(np.concatenate([members[number] for number in draw])) for draw in draws]
    limits = {name: np.percentile([value[name] for value in values], [2.5, 97.5]) for name in values[0]}
    return {name: (float(low), float(high)) for name, (low, high) in limits.items()}


def _bin(lower: float, upper: float, confidences: np.ndarray, correct: np.ndarray) -> Bin:
    if not len(confidences):
        return Bin(float(lower), float(upper), 0, float("nan"), float("nan"))
    return Bin(float(lower), float(upper), len(confidences), float(confidences.mean()), float(correct.mean()))
