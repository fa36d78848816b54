"""What there is to know about a model, from its record: pure functions to HTML and to plain data."""

from html import escape
from typing import Any

from anime_models.classifier import Classifier
from anime_models.records import RunRecord
from apps.demo.rendering import TASK_TITLES
from apps.demo.wording import Task, percent

# Metric in the record -> (what it is called here, what it means).
METRICS = {
    "accuracy": ("Accuracy", "share of test faces whose first candidate is right"),
    "top_5_accuracy": ("Top-5 accuracy", "the right one is among the first five candidates"),
    "macro_f1": ("Macro F1", "mean of the F1 scores of all classes; rare ones count as much as common ones"),
    "shown_set_coverage": ("Set coverage", 'how often the right one is in the "one of ..." list'),
    "answered_share": ("Coverage of answers", 'faces that get an answer instead of "not sure"'),
    "selective_risk": ("Selective risk", "errors among the answers that are given"),
    "strangers_recognised_at_threshold": ("Strangers recognised", "faces with none of its labels that are told apart"),
    "known_called_strangers_at_threshold": (
        "Known called strangers",
        "faces with one of its labels that are turned away",
    ),
}
NUMBERS = {
    "shown_set_size": ("Mean set size", 'names in the "one of ..." list'),
    "stranger_auroc": ("Stranger AUROC", "how well strangers are told from known faces; 1 is perfect, 0.5 is guessing"),
}
FEW_LABELS = 10
LIMITS: dict[Task, str] = {
    "character": (
        "It knows the characters it was trained on and nobody else. Most strangers are recognised as such, not all: a "
        "stranger who looks like someone it knows can be taken for them. Confidences and sets hold for faces like "
        "those of the test; a very different style weakens them."
    ),
    "emotion": (
        "It tells a few strong emotions apart, as they are drawn in manga and anime. A calm or mixed face should get "
        "the answer that there is no clear emotion, and does not always. What a drawing expresses is a matter of "
        "opinion: the labels are those of one data set."
    ),
}
PRIVACY = (
    "Pictures are read on this server and sent nowhere else. Uploaded files are deleted after about an hour; nothing "
    "is learned from them."
)


def describe(classifier: Classifier, source: str) -> dict[str, Any]:
    """A model as JSON-able data."""
    record = classifier.record
    return {
        "source": source,
        "task": classifier.task,
        "backbone": classifier.config.backbone,
        "num_labels": len(classifier.label_names),
        "labels": list(classifier.label_names),
        "abstain_below": round(classifier.calibration.abstention.threshold, 4),
        "trained_on": record.dataset.id if record else None,
        "metrics": {
            name: round(value, 4)
            for name in (*METRICS, *NUMBERS)
            if record and (value := record.value(name)) is not None
        },
    }


def render_about(classifiers: dict[Task, tuple[str, Classifier]]) -> str:
    """Facts, figures and limits of the chosen models.

    Args:
        classifiers: by task, where the model comes from and the model.
    """
    sections = "".join(_section(task, source, model) for task, (source, model) in classifiers.items())
    return f'<div class="am-about">{sections}<p class="am-muted">{escape(PRIVACY)}</p></div>'


def _section(task: Task, source: str, model: Classifier) -> str:
    figures = (
        _figures(model.record, len(model.label_names))
        if model.record
        else "<p>This checkpoint came without a record of its test.</p>"
    )
    return (
        f'<section class="am-panel" aria-label="{TASK_TITLES[task]} model"><h2>{TASK_TITLES[task]} model</h2>'
        f"<dl>{_facts(source, model)}</dl>{figures}"
        f"<h3>Limits</h3><p>{escape(LIMITS[task])}</p>"
        f'<details><summary>All {len(model.label_names)} labels</summary><p class="am-labels">'
        f"{escape(', '.join(sorted(model.label_names)))}</p></details></section>"
    )


def _facts(source: str, model: Classifier) -> str:
    record = model.record
    facts = {"Source": source, "Network": model.config.backbone, "Labels": f"{len(model.label_names)}"}
    if record:
        facts["Data"] = record.dataset.id
        facts["Faces"] = _counts(record, "")
        facts["Strangers"] = _counts(record, "strangers_")
        if record.model.num_parameters:
            facts["Parameters"] = f"{record.model.num_parameters / 1e6:.1f} million"
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value)


def _counts(record: RunRecord, prefix: str) -> str:
    """``988 train, 212 validation, 212 test``, of the known faces or (with a prefix) of the strangers."""
    counts = {split: record.dataset.num_images.get(f"{prefix}{split}") for split in ("train", "validation", "test")}
    return ", ".join(f"{count:,} {split}" for split, count in counts.items() if count)


def _figures(record: RunRecord, num_labels: int) -> str:
    # With six labels, being among the first five is no feat.
    worth_telling = [name for name in METRICS if name != "top_5_accuracy" or num_labels > FEW_LABELS]
    rows = [
        _row(METRICS[name][0], percent(value), METRICS[name][1])
        for name in worth_telling
        if (value := record.value(name)) is not None
    ]
    rows += [
        _row(title, f"{value:.2f}", meaning)
        for name, (title, meaning) in NUMBERS.items()
        if (value := record.value(name)) is not None
    ]
    if record.calibration:
        before, after = record.calibration.before.ece, record.calibration.after.ece
        meaning = "mean gap between confidence and share right, before and after calibration; 0 is perfect"
        rows.append(_row("Expected calibration error", f"{before:.3f} → {after:.3f}", meaning))
    by_chance = next((r for r in record.results if (r.metric, r.split) == ("ece_by_chance", "test")), None)
    if by_chance is not None and by_chance.ci95 is not None:
        meaning = "the range of that error by chance alone, on so few test faces, were every confidence right"
        low, high = by_chance.ci95
        rows.append(_row("Calibration error by chance", f"{low:.3f} to {high:.3f}", meaning))
    return (
        '<table class="am-table am-meanings"><caption>Measured on test faces that it never saw in training</caption>'
        '<thead><tr><th scope="col">Figure</th><th scope="col">Value</th><th scope="col">What it means</th></tr>'
        "</thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(title: str, value: str, meaning: str) -> str:
    return f'<tr><th scope="row">{escape(title)}</th><td>{escape(value)}</td><td>{escape(meaning)}</td></tr>'
