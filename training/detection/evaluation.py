"""Measure a face detector on boxed illustrations, face-free pictures and face crops."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from PIL import Image

from anime_models.faces import FaceDetector
from anime_models.records import Result
from training.detection.data import DetectionData, Picture
from training.detection.metrics import (
    Outcome,
    average_precision,
    best_threshold,
    f1_interval,
    false_faces_per_picture,
    judge,
    precision_recall_f1,
)

_LOWEST_THRESHOLD = 0.05
_MOST_FALSE_FACES = 1 / 40
_LATENCY_LONG_SIDE = 640


def outcomes_of(detector: FaceDetector, pictures: Sequence[Picture]) -> list[Outcome]:
    """Judge the detector on pictures with boxes at IoU 0.5, down to a score of 0.05."""
    return [judge(detector.detect(picture.image, _LOWEST_THRESHOLD), picture.boxes, 0.5) for picture in pictures]


def crop_outcomes(detector: FaceDetector, crops: Sequence[Picture]) -> list[Outcome]:
    """Judge the detector on face crops without boxes by number alone: each shows one face, further boxes are false."""
    outcomes = []
    for crop in crops:
        scores = np.array([face.score for face in detector.detect(crop.image, _LOWEST_THRESHOLD)], float)
        outcomes.append(Outcome(scores, np.arange(len(scores)) == 0, 1))
    return outcomes


def choose_threshold(detector: FaceDetector, data: DetectionData) -> float:
    """The threshold with the highest mean F1 on validation scenes and crops, at most one false face in 40 negatives."""
    scenes = outcomes_of(detector, data.validation)
    crops = crop_outcomes(detector, data.validation_crops)
    empty = outcomes_of(detector, face_free(data))
    measured = [part for part in (scenes, crops) if part]
    return best_threshold(
        allowed=lambda threshold: false_faces_per_picture(empty, threshold) <= _MOST_FALSE_FACES,
        score=lambda threshold: float(np.mean([precision_recall_f1(part, threshold)[2] for part in measured])),
    )


def face_free(data: DetectionData) -> list[Picture]:
    """Pictures without a face that training has not seen: negatives kept back and empty validation scenes."""
    return [*data.held_out_negatives, *(picture for picture in data.validation if not len(picture.boxes))]


def measure_detector(detector: FaceDetector, data: DetectionData, test: Sequence[Picture]) -> list[Result]:
    """All figures of the record, at the detector's own threshold."""
    threshold = detector.config.threshold
    empty = outcomes_of(detector, face_free(data))
    results = [
        *boxed_results("test", detector, test),
        *boxed_results("validation", detector, data.validation),
        Result(split="negatives", metric="false_faces_per_picture", value=false_faces_per_picture(empty, threshold)),
        Result(split="negatives", metric="num_pictures", value=len(empty)),
    ]
    for kind in dict.fromkeys(crop.kind for crop in data.validation_crops):
        outcomes = crop_outcomes(detector, [crop for crop in data.validation_crops if crop.kind == kind])
        found = [int((outcome.scores >= threshold).sum()) for outcome in outcomes]
        for metric, share in (
            ("found", np.mean([n > 0 for n in found])),
            ("one_face", np.mean([n == 1 for n in found])),
        ):
            results.append(Result(split="validation", metric=f"crops_{metric}", value=float(share), class_name=kind))
    return results


def boxed_results(split: str, detector: FaceDetector, pictures: Sequence[Picture]) -> list[Result]:
    """Precision, recall, F1 and AP at IoU 0.5 and 0.3."""
    threshold = detector.config.threshold
    answers = [detector.detect(picture.image, _LOWEST_THRESHOLD) for picture in pictures]
    results = []
    for least_iou, suffix in ((0.5, "iou50"), (0.3, "iou30")):
        outcomes = [judge(faces, picture.boxes, least_iou) for faces, picture in zip(answers, pictures, strict=True)]
        precision, recall, f1 = precision_recall_f1(outcomes, threshold)
        results += [
            Result(split=split, metric=f"precision_{suffix}", value=precision),
            Result(split=split, metric=f"recall_{suffix}", value=recall),
            Result(split=split, metric=f"f1_{suffix}", value=f1, ci95=f1_interval(outcomes, threshold)),
            Result(split=split, metric=f"ap_{suffix}", value=average_precision(outcomes)),
        ]
    return results


def latency_milliseconds(
    detector: FaceDetector, pictures: Sequence[Picture], num_pictures: int = 100
) -> dict[str, float]:
    """p50 and p95 from decoded picture with a long side of 640 px to list of faces, after ten pictures to warm up."""
    images = [_with_long_side(picture.image, _LATENCY_LONG_SIDE) for picture in pictures[:num_pictures]]
    for image in images[:10]:
        detector.detect(image)
    durations = []
    for image in images:
        started = time.perf_counter()
        detector.detect(image)
        durations.append((time.perf_counter() - started) * 1000)
    return {f"p{share}": float(np.percentile(durations, share)) for share in (50, 95)}


def _with_long_side(image: Image.Image, long_side: int) -> Image.Image:
    scale = long_side / max(image.size)
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
