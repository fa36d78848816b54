"""Every metric: what it is called, what it means, its unit, and which way is better."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from apps.dashboard.names import SPLITS, called

Unit = Literal["percent", "number", "milliseconds", "seconds", "count", "flops", "megabytes"]
Better = Literal["higher", "lower"] | None


@dataclass(frozen=True)
class Metric:
    """A column of numbers.

    Attributes:
        column: its name in the table of records.
        name: what it is called on the screen.
        help: what it means, in a sentence or two.
        unit: how it is written; ``percent`` is a fraction in [0, 1].
        better: which way is better, or None.
    """

    column: str
    name: str
    help: str
    unit: Unit = "number"
    better: Better = None


def _m(name: str, help_text: str, unit: Unit = "percent", better: Better = "higher") -> Metric:
    return Metric("", name, help_text, unit, better)


RESULTS = {
    "accuracy": _m("Accuracy", "Share of pictures whose most probable class is right."),
    "macro_f1": _m(
        "Macro F1",
        "Mean of the F1 of all classes: rare classes count as much as common ones. F1 is the harmonic mean of "
        "precision and recall.",
        "number",
    ),
    "macro_f1_table_3": _m(
        "Macro F1 (Table 3)", "What Santoro et al. print in Table 3, which is of another run than Table 2.", "number"
    ),
    "weighted_f1": _m("Weighted F1", "Mean of the F1 of all classes, each weighted with its pictures.", "number"),
    "macro_precision": _m("Macro precision", "Mean over classes: of the pictures given this class, the share right."),
    "macro_recall": _m("Macro recall", "Mean over classes: of the pictures of this class, the share found."),
    "weighted_precision": _m("Weighted precision", "Precision of the classes, each weighted with its pictures."),
    "weighted_recall": _m("Weighted recall", "Recall of the classes, each weighted with its pictures."),
    "top_5_accuracy": _m("Top-5 accuracy", "Share of pictures whose right class is among the five most probable."),
    "loss": _m(
        "Loss",
        "Mean negative log-likelihood of the right class before calibration, in nats; 0 is perfect.",
        "number",
        "lower",
    ),
    "calibrated_loss": _m("Calibrated loss", "The loss at the fitted temperature, in nats.", "number", "lower"),
    "ece": _m("ECE of the split", "Calibration error at the fitted temperature, on this split.", "number", "lower"),
    "aurc": _m("AURC of the split", "AURC at the fitted temperature, on this split.", "number", "lower"),
    "conformal_coverage": _m("Coverage of label sets", "How often the set of labels holds the right one; aim 90%."),
    "conformal_set_size": _m("Mean set size", "Labels in the set, on average; fewer say more.", "number", "lower"),
    "shown_set_coverage": _m("Coverage of shown sets", 'How often the shown "one of …" list holds the right label.'),
    "shown_set_size": _m("Shown set size", 'Labels in the shown "one of …" list, on average.', "number", "lower"),
    "answered_share": _m("Answered", 'Share of pictures that get an answer instead of "not sure".'),
    "selective_risk": _m("Selective risk", "Share of wrong answers among those that are given.", better="lower"),
    "ece_by_chance": _m(
        "ECE by chance",
        "The calibration error that perfect confidences would show by chance on so few pictures.",
        "number",
        None,
    ),
    "stranger_auroc": _m(
        "Stranger AUROC", "How well strangers are told from known faces: 1 perfect, 0.5 guessing.", "number"
    ),
    "strangers_recognised": _m("Strangers recognised", "At 5% of the known faces called strangers."),
    "strangers_recognised_at_threshold": _m("Strangers recognised, shipped threshold", "At the stored threshold."),
    "known_called_strangers_at_threshold": _m(
        "Known called strangers", "Known faces turned away at the stored threshold.", better="lower"
    ),
    "precision_iou50": _m("Precision (IoU 0.5)", "Of the boxes given, the share that overlaps a face by half."),
    "recall_iou50": _m("Recall (IoU 0.5)", "Of the faces, the share that a box overlaps by half."),
    "f1_iou50": _m("F1 (IoU 0.5)", "Harmonic mean of precision and recall; a box counts at half overlap.", "number"),
    "ap_iou50": _m("AP (IoU 0.5)", "Average precision over all thresholds; a box counts at half overlap.", "number"),
    "precision_iou30": _m("Precision (IoU 0.3)", "Of the boxes given, the share that overlaps a face by 30%."),
    "recall_iou30": _m("Recall (IoU 0.3)", "Of the faces, the share that a box overlaps by 30%."),
    "f1_iou30": _m("F1 (IoU 0.3)", "Harmonic mean of precision and recall; a box counts at 30% overlap.", "number"),
    "ap_iou30": _m("AP (IoU 0.3)", "Average precision over all thresholds; a box counts at 30% overlap.", "number"),
    "false_faces_per_picture": _m("False faces per picture", "Boxes in pictures without a face.", "number", "lower"),
    "linear_probe_accuracy": _m("Linear probe", "Accuracy of a linear classifier on the frozen features."),
    "linear_probe_accuracy_random_start": _m(
        "Linear probe, random start", "The same on features of the untrained network: what teaching has to beat."
    ),
    "linear_probe_accuracy_teacher": _m(
        "Linear probe, teacher", "The same on the teacher's features: what its pupils aim at."
    ),
    "distillation_loss": _m("Distillation loss", "Distance to the teacher's embeddings.", "number", "lower"),
    "fid": _m(
        "FID",
        "Fréchet distance between the features of generated and of real pictures. It depends on the extractor and on "
        "the number of pictures, so only figures of one extractor stand together.",
        "number",
        "lower",
    ),
    "kid": _m("KID", "Kernel distance between generated and real pictures; about 0 for equal sets.", "number", "lower"),
    "precision": _m("Precision", "Of the pictures given this class, the share that is right."),
    "recall": _m("Recall", "Of the pictures of this class, the share that is found."),
    "f1": _m("F1", "Harmonic mean of precision and recall.", "number"),
    "nearer_than_typical_held_out": _m(
        "Nearer than a typical held-out face",
        "Generated pictures nearer to a training picture than half of the held-out ones are; 50% is neither copied nor "
        "strange.",
        better=None,
    ),
    "cas": _m(
        "CAS", "Classification accuracy score: accuracy on real pictures of a model trained on generated ones alone."
    ),
}
BEFORE, AFTER = "calibration.before.", "calibration.after."
# Measures of generated pictures, whose columns end in the name of the extractor of their features.
OF_GENERATORS = {
    "precision": _m("Precision", "Share of the generated pictures that lie among the real ones."),
    "recall": _m("Recall", "Share of the real pictures that lie among the generated ones."),
}
FIELDS = {
    "calibration.after.ece": _m(
        "ECE",
        "Expected calibration error: the mean gap between a confidence and the share that is right at this confidence "
        "(15 bins). 0.05 means five points off.",
        "number",
        "lower",
    ),
    "calibration.after.adaptive_ece": _m("Adaptive ECE", "ECE over bins of equal counts.", "number", "lower"),
    "calibration.after.classwise_ece": _m(
        "Classwise ECE", "Mean over classes of the calibration error of this class's probability.", "number", "lower"
    ),
    "calibration.after.nll": _m("NLL", "Negative log-likelihood after calibration, in nats.", "number", "lower"),
    "calibration.after.brier": _m("Brier score", "Squared distance to the right answer, 0 to 2.", "number", "lower"),
    "calibration.after.aurc": _m(
        "AURC", "Mean share of errors over all shares of pictures answered, most confident first.", "number", "lower"
    ),
    "calibration.temperature": _m("Temperature", "What logits are divided by; 1 changes nothing.", "number", None),
    "model.num_parameters": _m("Parameters", "Numbers that the model consists of.", "count", "lower"),
    "model.num_trainable": _m("Trained parameters", "Of these, those that training changes.", "count", "lower"),
    "model.trainable_share": _m("Trained share", "Largest share of the parameters trained at a time.", better=None),
    "model.flops": _m("FLOPs", "Operations for one picture; a multiply-add counts two.", "flops", "lower"),
    "timing.epochs_run": _m("Epochs run", "Passes over the data until training stopped.", "count", None),
    "timing.seconds_per_epoch": _m("Seconds per epoch", "Training time of one epoch.", "seconds", "lower"),
    "timing.total_seconds": _m("Training time", "Seconds of the whole training.", "seconds", "lower"),
    "timing.images_per_second": _m("Pictures per second", "Throughput of training.", "count", "higher"),
    "timing.inference_ms.p50": _m(
        "Latency", "Milliseconds for one picture, median, on the machine of the record.", "milliseconds", "lower"
    ),
    "timing.inference_ms.p95": _m(
        "Latency p95", "Milliseconds that 95% of the pictures stay below.", "milliseconds", "lower"
    ),
    "timing.peak_rss_mb": _m("Peak memory", "Largest size of the process in training.", "megabytes", "lower"),
    "recipe.synthetic_ratio": _m(
        "Generated pictures for each real one", "How many generated pictures joined the real ones.", "number", None
    ),
    "dataset.num_images.train": _m("Training pictures", "Pictures in the training split.", "count", None),
    "dataset.num_images.test": _m("Test pictures", "Pictures in the test split.", "count", None),
    "seed": _m("Seed", "Number that all randomness of a run follows from.", "count", None),
    "selection.best_epoch": _m("Kept epoch, from 0", "Epoch whose weights were kept; the first is 0.", "count", None),
}


@lru_cache(maxsize=4096)
def metric(column: str) -> Metric:
    """The metric of a column such as ``test/accuracy``, ``validation/fid/inception`` or ``model.flops``."""
    if column in FIELDS:
        return replace(FIELDS[column], column=column)
    if column.startswith(BEFORE):
        after = metric(column.replace(BEFORE, AFTER))
        return replace(
            after, column=column, name=f"{after.name} before", help=f"{after.help} Before temperature scaling."
        )
    if "/" not in column:
        words = column.replace("_", " ").replace(".", " ")
        return Metric(column, words[:1].upper() + words[1:], f"The record's field {column}.")
    split, name = column.split("/", 1)
    base, _, extractor = name.partition("/")
    known = (
        (OF_GENERATORS.get(base) if extractor else None)
        or RESULTS.get(base)
        or Metric("", called({}, base).capitalize(), f"The record's figure {name}.")
    )
    notes = ([] if split == "test" else [called(SPLITS, split)]) + ([extractor] if extractor else [])
    help_text = known.help + (f" Measured on: {called(SPLITS, split)}." if split != "test" else "")
    named = f"{known.name} ({', '.join(notes)})" if notes else known.name
    return replace(known, column=column, name=named, help=help_text)


@dataclass(frozen=True)
class _Scale:
    """How a number is written: what it is multiplied with, its digits after the point, and its unit."""

    factor: float
    digits: int
    suffix: str = ""

    def text(self, value: float) -> str:
        return f"{value * self.factor:,.{self.digits}f}"


def _scale(value: float, unit: Unit) -> _Scale:
    if unit == "percent":
        return _Scale(100, 1, "%")
    if unit == "milliseconds":
        return _Scale(1, 1, " ms")
    if unit == "megabytes":
        return _Scale(1, 0, " MB")
    size = abs(value)
    if unit == "seconds":
        if size < 100:
            return _Scale(1, 1, " s")
        return _Scale(1 / 60, 1 if size < 600 else 0, " min") if size < 7200 else _Scale(1 / 3600, 1, " h")
    return _Scale(1, 3 if size < 10 else 1)


def written(value: float | None, unit: Unit) -> str:
    """A number as it is read aloud, with its unit; a dash for none."""
    if value is None or value != value:
        return "—"
    if unit in ("count", "flops"):
        return _large(value)
    scale = _scale(value, unit)
    return f"{scale.text(value)}{scale.suffix}"


def with_spread(value: float, unit: Unit, sd: float | None = None, interval: Sequence[float] | None = None) -> str:
    """``75.3% ± 1.2`` over seeds, ``75.3% (69.1 to 81.7)`` with an interval, or the number alone."""
    text, scale = written(value, unit), _scale(value, unit)
    if text == "—" or unit in ("count", "flops"):
        return text
    if sd is not None and sd == sd:
        return f"{text} ± {scale.text(sd)}"
    if interval is not None and interval[0] == interval[0]:
        return f"{text} ({scale.text(interval[0])} to {scale.text(interval[1])})"
    return text


def changed_by(change: float, unit: Unit, sd: float | None = None) -> str:
    """A difference of two figures: ``+3.2 points`` of percent, ``-0.120 ± 0.010`` of other numbers."""
    scale = _scale(change, unit)
    sign = "+" if change >= 0 else ""
    spread = f" ± {scale.text(sd)}" if sd is not None and sd == sd else ""
    return f"{sign}{scale.text(change)}{spread}{' points' if unit == 'percent' else scale.suffix}"


def short(value: float, unit: Unit) -> str:
    """A number without needless digits, as it stands at an axis."""
    if unit in ("count", "flops"):
        return _large(value).replace(".0 ", " ")
    return f"{value:g}"


def _large(value: float) -> str:
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == ' k' else size):.1f}{letter}"
    return f"{value:,.0f}"
