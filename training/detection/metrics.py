"""Detection quality from boxes: matching, F1, average precision, false faces, and how sure these figures are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from anime_models.faces import Face, pairwise_iou
from training.detection.data import Boxes

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Outcome:
    """What a detector answered on one picture.

    Attributes:
        scores: of the found boxes [n], best first.
        correct: which of them match a face that no better one had matched [n].
        num_faces: true faces of the picture.
    """

    scores: NDArray[np.float64]
    correct: Flags
    num_faces: int


def judge(faces: Sequence[Face], boxes: Boxes, least_iou: float) -> Outcome:
    """Match found faces (best first) greedily to true boxes [n, 4], each to the free one that it overlaps most."""
    scores = np.array([face.score for face in faces], float)
    correct = np.zeros(len(faces), bool)
    if len(faces) and len(boxes):
        overlaps = pairwise_iou(torch.tensor([face.box for face in faces]), torch.from_numpy(boxes)).numpy().copy()
        for index in range(len(faces)):
            best = int(overlaps[index].argmax())
            if overlaps[index, best] >= least_iou:
                correct[index] = True
                overlaps[:, best] = -1.0
    return Outcome(scores, correct, len(boxes))


def precision_recall_f1(outcomes: Sequence[Outcome], threshold: float = 0.0) -> tuple[float, float, float]:
    """Precision, recall and F1 over all pictures, of the boxes that score at least `threshold`; 0 where undefined."""
    found, correct, faces = (int(count) for count in _counts(outcomes, threshold).sum(axis=0))
    return correct / max(found, 1), correct / max(faces, 1), 2 * correct / max(found + faces, 1)


def f1_interval(
    outcomes: Sequence[Outcome], threshold: float = 0.0, num_resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95% interval of F1, by resampling pictures."""
    counts = _counts(outcomes, threshold)
    rows = np.random.default_rng(seed).integers(0, len(counts), (num_resamples, len(counts)))
    found, correct, faces = counts[rows].sum(axis=1).T
    low, high = np.quantile(2 * correct / np.maximum(found + faces, 1), [0.025, 0.975])
    return float(low), float(high)


def average_precision(outcomes: Sequence[Outcome]) -> float:
    """Area under the precision-recall curve, precision made monotonic (PASCAL VOC 2010)."""
    scores = np.concatenate([outcome.scores for outcome in outcomes])
    correct = np.concatenate([outcome.correct for outcome in outcomes])[np.argsort(-scores, kind="stable")]
    faces = sum(outcome.num_faces for outcome in outcomes)
    if not correct.any():
        return 0.0
    hits = np.cumsum(correct)
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float(precision[correct].sum() / faces)


def false_faces_per_picture(outcomes: Sequence[Outcome], threshold: float = 0.0) -> float:
    """Wrong boxes per picture."""
    found, correct, _ = _counts(outcomes, threshold).sum(axis=0)
    return float(found - correct) / max(len(outcomes), 1)


def best_threshold(allowed: Callable[[float], bool], score: Callable[[float], float]) -> float:
    """The threshold from 0.10 to 0.80 with the highest score among those that are allowed.

    Ties go to the middle of the tied ones; if none is allowed the highest threshold is taken.
    """
    grid = [round(value, 2) for value in np.arange(0.10, 0.81, 0.01)]
    candidates = [(score(value), value) for value in grid if allowed(value)] or [(0.0, grid[-1])]
    best = max(candidates)[0]
    tied = [value for value_score, value in candidates if value_score >= best - 1e-9]
    return tied[len(tied) // 2]


def _counts(outcomes: Sequence[Outcome], threshold: float) -> NDArray[np.int64]:
    """Found, correct and true faces per picture, [N, 3]."""
    rows = []
    for outcome in outcomes:
        kept = outcome.scores >= threshold
        rows.append((int(kept.sum()), int(outcome.correct[kept].sum()), outcome.num_faces))
    return np.array(rows, np.int64).reshape(-1, 3)
