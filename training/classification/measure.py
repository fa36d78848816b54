"""Everything that a record says of a trained classifier, measured on the stored checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from anime_models import metrics
from anime_models.calibration import calibrated, inclusion, label_sets
from anime_models.checkpoints import Checkpoint
from anime_models.classifier import Classifier, Outputs, network_outputs
from anime_models.face_datasets import SPLITS, FaceDataset
from anime_models.records import CalibrationFigures, CalibrationPart, ModelPart, ReliabilityBin, Result
from anime_models.strangers import METHODS, Method, StrangerRule, class_means, recognised_at, stranger_scores
from training.classification.strangers import Strangers


@dataclass(frozen=True)
class SplitOutputs:
    """A split and what the network says of it."""

    data: FaceDataset
    outputs: Outputs

    def known_logits(self, num_classes: int) -> np.ndarray:
        """Logits of the classes, ``[N, C]``, without the output for strangers."""
        return self.outputs.logits[:, :num_classes]


@dataclass(frozen=True)
class Measured:
    """The figures of one classifier, and its outputs on every split (strangers as ``strangers_<split>``)."""

    results: list[Result]
    calibration: CalibrationPart
    outputs: dict[str, SplitOutputs]


def outputs_of(checkpoint: Checkpoint, data: FaceDataset) -> SplitOutputs:
    """Run a checkpoint over a split."""
    return SplitOutputs(data, network_outputs(checkpoint.model, checkpoint.config, data.images))


def measure(classifier: Classifier, splits: dict[str, FaceDataset], strangers: Strangers | None) -> Measured:
    """Measure a calibrated classifier on every split but train, and on the strangers of validation and test."""
    names = classifier.label_names
    outputs = {split: SplitOutputs(data, classifier.outputs(data.images)) for split, data in splits.items()}
    means = class_means(outputs["train"].outputs.features, splits["train"].labels, len(names))
    results: list[Result] = []
    for split in [name for name in splits if name != "train"]:
        known = outputs[split]
        plain = calibrated(known.known_logits(len(names)), 1.0)
        results += classification_results(split, known.data.labels, plain, names, known.data.groups)
        results += confidence_results(classifier, split, known)
        rule = classifier.config.strangers
        if strangers is None or rule is None or split not in SPLITS:
            continue
        if len(unknown_data := strangers.split(split)):
            unknown = SplitOutputs(unknown_data, classifier.outputs(unknown_data.images))
            outputs[f"strangers_{split}"] = unknown
            scores = scores_by_method(known, unknown, means, len(names))
            results += stranger_results(split, rule, *scores, unknown_data)
    return Measured(results, calibration_part(classifier, outputs["test"]), outputs)


def classification_results(
    split: str, labels: np.ndarray, probabilities: np.ndarray, names: tuple[str, ...], groups: Sequence[str]
) -> list[Result]:
    """Accuracy, top-5, loss, precision, recall and F1 (macro, weighted, by class).

    ``probabilities`` are those that were trained, without temperature, so that the loss is what papers report. The
    intervals draw ``groups``, a name for each picture; figures of single classes have none, for want of pictures.
    """
    scores = metrics.class_scores(metrics.confusion_matrix(labels, probabilities.argmax(axis=1), len(names)))
    return results_with_intervals(split, _overall_figures, labels, probabilities, groups) + [
        Result(split=split, metric=metric, value=float(value), class_name=name)
        for metric, values in (("precision", scores.precision), ("recall", scores.recall), ("f1", scores.f1))
        for name, value in zip(names, values, strict=True)
    ]


def results_with_intervals(
    split: str,
    figures: Callable[[np.ndarray, np.ndarray], dict[str, float]],
    labels: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
) -> list[Result]:
    """Figures of a split's labels and probabilities, with intervals that draw ``groups``."""
    intervals = metrics.bootstrap_intervals(lambda rows: figures(labels[rows], probabilities[rows]), groups)
    values = figures(labels, probabilities)
    return [Result(split=split, metric=name, value=value, ci95=intervals[name]) for name, value in values.items()]


def _overall_figures(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    predictions = probabilities.argmax(axis=1)
    confusion = metrics.confusion_matrix(labels, predictions, probabilities.shape[1])
    scores, present = metrics.class_scores(confusion), metrics.present_classes(confusion)
    weights = scores.support / scores.support.sum()
    return {
        "accuracy": metrics.accuracy(labels, predictions),
        "macro_f1": float(scores.f1[present].mean()),
        "macro_precision": float(scores.precision[present].mean()),
        "macro_recall": float(scores.recall[present].mean()),
        "weighted_f1": float(scores.f1 @ weights),
        "weighted_precision": float(scores.precision @ weights),
        "weighted_recall": float(scores.recall @ weights),
        "top_5_accuracy": metrics.top_k_accuracy(labels, probabilities, 5),
        "loss": metrics.negative_log_likelihood(labels, probabilities),
    }


def calibration_figures(labels: np.ndarray, probabilities: np.ndarray) -> CalibrationFigures:
    """ECE (equal-width, adaptive, classwise; 15 bins), NLL, Brier and AURC."""
    confidences, correct = metrics.top_label(labels, probabilities)
    bins = metrics.reliability(confidences, correct)
    return CalibrationFigures(
        ece=metrics.calibration_error(bins),
        adaptive_ece=metrics.calibration_error(metrics.adaptive_reliability(confidences, correct)),
        classwise_ece=metrics.classwise_calibration_error(labels, probabilities),
        nll=metrics.negative_log_likelihood(labels, probabilities),
        brier=metrics.brier_score(labels, probabilities),
        aurc=metrics.area_under_risk_coverage(confidences, correct),
        reliability=[_record_bin(bar) for bar in bins],
    )


def calibration_part(classifier: Classifier, test: SplitOutputs) -> CalibrationPart:
    """Calibration on test before and after the temperature that validation gave."""
    logits = test.known_logits(len(classifier.label_names))
    temperature = classifier.calibration.temperature
    return CalibrationPart(
        temperature=temperature,
        before=calibration_figures(test.data.labels, calibrated(logits, 1.0)),
        after=calibration_figures(test.data.labels, calibrated(logits, temperature)),
    )


def confidence_results(classifier: Classifier, split: str, measured: SplitOutputs) -> list[Result]:
    """Coverage and size of the conformal sets, risk and coverage of the answers that are not withheld.

    Without any such answer there is no risk. And ``ece_by_chance``: the calibration error that confidences that hold
    would show on so few pictures.
    """
    labels = measured.data.labels
    probabilities = calibrated(measured.known_logits(len(classifier.label_names)), classifier.calibration.temperature)
    chances = inclusion(probabilities, classifier.calibration.conformal.threshold)
    shown = label_sets(probabilities, classifier.calibration.conformal)
    confidences, correct = metrics.top_label(labels, probabilities)
    answered = confidences >= classifier.calibration.abstention.threshold
    figures = {
        "conformal_coverage": float(chances[np.arange(len(labels)), labels].mean()),
        "conformal_set_size": float(chances.sum(axis=1).mean()),
        "shown_set_coverage": float(np.mean([label in chosen for label, chosen in zip(labels, shown, strict=True)])),
        "shown_set_size": float(np.mean([len(chosen) for chosen in shown])),
        "answered_share": float(answered.mean()),
    }
    if answered.any():
        figures["selective_risk"] = float(1 - correct[answered].mean())
    by_chance = metrics.chance_calibration_errors(confidences)
    low, high = np.percentile(by_chance, [2.5, 97.5])
    return [
        *calibrated_results(split, labels, probabilities, measured.data.groups),
        *(Result(split=split, metric=name, value=value) for name, value in figures.items()),
        Result(split=split, metric="ece_by_chance", value=float(by_chance.mean()), ci95=(float(low), float(high))),
    ]


def calibrated_results(
    split: str, labels: np.ndarray, probabilities: np.ndarray, groups: Sequence[str]
) -> list[Result]:
    """Loss, ECE and AURC of probabilities at the fitted temperature.

    The ECE has no interval: drawing pictures again makes it larger. `ece_by_chance` is what to compare it with.
    """
    loss, aurc = results_with_intervals(split, _calibrated_figures, labels, probabilities, groups)
    ece = calibration_figures(labels, probabilities).ece
    return [loss, Result(split=split, metric="ece", value=ece), aurc]


def _calibrated_figures(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    return {
        "calibrated_loss": metrics.negative_log_likelihood(labels, probabilities),
        "aurc": metrics.area_under_risk_coverage(*metrics.top_label(labels, probabilities)),
    }


def scores_by_method(
    known: SplitOutputs, strangers: SplitOutputs, means: np.ndarray, num_classes: int
) -> tuple[dict[Method, np.ndarray], dict[Method, np.ndarray]]:
    """Stranger scores of known faces and of strangers under every method that the model allows."""
    extra = known.outputs.logits.shape[1] > num_classes
    methods: tuple[Method, ...] = tuple(method for method in METHODS if extra or method != "extra_class")

    def scores(split: SplitOutputs) -> dict[Method, np.ndarray]:
        outputs = split.outputs
        return {m: stranger_scores(m, outputs.logits, outputs.features, means, num_classes) for m in methods}

    return scores(known), scores(strangers)


def stranger_results(
    split: str,
    rule: StrangerRule,
    known: dict[Method, np.ndarray],
    strangers: dict[Method, np.ndarray],
    faces: FaceDataset,
) -> list[Result]:
    """AUROC and recognised share (at 5% of this split's known faces) by method; the chosen rule also at its threshold.

    ``faces`` are the strangers.

    ``class_name`` holds the method, or for the chosen rule the source of the strangers.
    """
    results = []
    for method in known:
        auroc = metrics.area_under_roc(known[method], strangers[method])
        at_rate = recognised_at(known[method], strangers[method], rule.known_rate)
        results.append(Result(split=split, metric="stranger_auroc", value=auroc, class_name=method))
        results.append(Result(split=split, metric="strangers_recognised", value=at_rate, class_name=method))
    chosen_known, chosen = known[rule.method], strangers[rule.method]
    at_rate = recognised_at(chosen_known, chosen, rule.known_rate)
    recognised = chosen > rule.threshold
    results += [
        Result(split=split, metric="stranger_auroc", value=metrics.area_under_roc(chosen_known, chosen)),
        Result(
            split=split,
            metric="strangers_recognised",
            value=at_rate,
            ci95=metrics.bootstrap_interval(
                lambda rows: float((chosen[rows] > np.quantile(chosen_known, 1 - rule.known_rate)).mean()), faces.groups
            ),
        ),
        Result(split=split, metric="strangers_recognised_at_threshold", value=float(recognised.mean())),
        Result(
            split=split,
            metric="known_called_strangers_at_threshold",
            value=float((chosen_known > rule.threshold).mean()),
        ),
    ]
    kinds = np.array([source.split(":")[0] for source in faces.sources])
    for kind in sorted(set(kinds)):
        share = float(recognised[kinds == kind].mean())
        results.append(
            Result(split=split, metric="strangers_recognised_at_threshold", value=share, class_name=str(kind))
        )
    return results


def with_cost(begun: ModelPart, classifier: Classifier) -> ModelPart:
    """The model of a run with its size and cost; ``flops`` is for one picture, a multiply-add counting two."""
    model, size = classifier.model, classifier.config.preprocessing.image_size
    # As matrix products, since fused attention on a CPU is not counted.
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        model(torch.zeros(1, 3, size, size))
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    cost = {
        "num_parameters": num_parameters,
        "trainable_share": None if begun.num_trainable is None else begun.num_trainable / num_parameters,
        "flops": float(counter.get_total_flops()),
    }
    return begun.model_copy(update=cost)


def inference_milliseconds(classifier: Classifier, data: FaceDataset, num_images: int = 50) -> dict[str, float]:
    """Latency of one picture from decoded crop to prediction: p50 and p95."""
    durations = []
    for image in data.images[:num_images]:
        started = time.perf_counter()
        classifier.predict([image])
        durations.append((time.perf_counter() - started) * 1000)
    return {"p50": float(np.percentile(durations, 50)), "p95": float(np.percentile(durations, 95))}


def _record_bin(bar: metrics.Bin) -> ReliabilityBin:
    filled = bar.count > 0
    return ReliabilityBin(
        lower=bar.lower,
        upper=bar.upper,
        count=bar.count,
        confidence=bar.confidence if filled else None,
        accuracy=bar.accuracy if filled else None,
    )


def write_predictions(outputs: dict[str, SplitOutputs], path: Path) -> None:
    """Write ``predictions.parquet``: image id, label (-1 for strangers), logits and split of every picture.

    A kill leaves no half of it.
    """
    tables = [
        pa.table(
            {
                "image_id": list(split.data.ids),
                "label": split.data.labels,
                "logits": list(split.outputs.logits.astype(np.float32)),
                "split": [name] * len(split.data),
            }
        )
        for name, split in outputs.items()
    ]
    temporary = path.with_suffix(".tmp")
    pq.write_table(pa.concat_tables(tables), temporary)
    temporary.replace(path)
