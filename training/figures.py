"""Write the figures of the shipped records into the READMEs, so that none is typed in by hand.

python -m training.figures
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from anime_models.records import Result, RunRecord, read_record
from training.common.commands import exit_status
from training.generation.recipe import with_defaults
from training.generation.run import STUDY
from training.generation.tables import equal_time_table, generators_table
from training.studies.shipped import (
    champions_table,
    characters_table,
    effects_table,
    start_weights_table,
    strategies_table,
)

REPOSITORY = Path(__file__).parent.parent
DOCUMENTS = (REPOSITORY / "README.md", REPOSITORY / "training" / "README.md")
EMBEDDED = REPOSITORY / "anime_models" / "embedded"
RECORDS = EMBEDDED / "records"
SCALE = "cpu"  # of the studies' runs
# A table stands between these two marks; the first one names it.
MARKED = re.compile(
    r"(<!-- figures of (.+?): python -m training\.figures -->\n).*?(<!-- end of figures -->)", re.DOTALL
)


def main() -> int:
    """Rewrite the tables of the READMEs; returns the exit status."""
    return exit_status(rewrite)


def rewrite() -> None:
    """Make every table of the READMEs anew."""
    for document in DOCUMENTS:
        text = with_figures(document.read_text("utf-8"))
        temporary = document.with_suffix(".tmp")
        temporary.write_text(text, "utf-8")
        temporary.replace(document)


def with_figures(text: str) -> str:
    """A README's text with every table between two marks made anew from the records."""
    return MARKED.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)


def shipped_models() -> str:
    """The table of the shipped models; every figure is of the test split unless it says otherwise."""
    characters = read_record(EMBEDDED / "characters" / "record.json")
    emotions = read_record(EMBEDDED / "emotions" / "record.json")
    detector = read_record(EMBEDDED / "detector" / "record.json")
    folds = read_record(RECORDS / "emotions-folds.json")
    rows = [
        "| what, on real drawn faces held out for testing | figure | 95% interval |",
        "|---|---:|---|",
        *_classifier_rows("Characters, 20 classes", characters, "accuracy"),
        *_classifier_rows("Emotions, 6 classes", emotions, "macro_f1"),
        _folds_row("Emotions, 6 classes: macro f1 over five group folds of all splits", folds, "macro_f1"),
        _row("Face detector: F1 at IoU 0.5", _find(detector, "f1_iou50")),
        _row(
            "Face detector: false faces in a face-free picture", _find(detector, "false_faces_per_picture", "negatives")
        ),
    ]
    return "".join(f"{row}\n" for row in rows)


def study(name: str) -> tuple[list[RunRecord], list[RunRecord]]:
    """The shipped measured records of a study, all at one scale, and the reported ones of its paper."""
    shipped = [read_record(path) for path in sorted((RECORDS / "studies").glob("*/record.json"))]
    measured = [r for r in shipped if r.study == name and r.recipe.get("scale") == SCALE]
    reported = [read_record(path) for path in sorted((RECORDS / "reported").glob("*.json"))]
    return measured, [r for r in reported if r.study == name]


def generators() -> dict[Path, RunRecord]:
    """The records of trained generators by their paths: the shipped generator's, and those of the others."""
    paths = [EMBEDDED / "generator" / "record.json", *sorted((RECORDS / "studies").glob("*/record.json"))]
    records = {path: read_record(path) for path in paths if path.exists()}
    return {path: record for path, record in records.items() if record.study == STUDY}


def whole_set_runs() -> dict[str, Path]:
    """The records' places of Ning's recipe and ours, on all of the largest data set and from random weights."""
    runs = generators()
    most = max((record.dataset.num_images["train"] for record in runs.values()), default=0)
    in_time = sorted(runs.items(), key=lambda run: run[1].run_id)
    whole = [
        (path, record)
        for path, record in in_time
        if record.dataset.num_images["train"] == most
        and record.model.start_weights == "random"
        and with_defaults(record.recipe)["typical_share"] == 1
    ]
    newest = {record.strategy: path for path, record in whole}
    return {
        f"{name}, rate {runs[newest[name]].recipe['generator_lr']:g}, seed {runs[newest[name]].seed}": newest[name]
        for name in ("ning", "ours")
        if name in newest
    }


def champions() -> str:
    """The best run of each study beside the shipped model for its task."""
    return champions_table(
        [
            (study(name)[0], read_record(EMBEDDED / folder / "record.json"))
            for name, folder in (("characters", "characters"), ("strategies", "emotions"))
        ]
    )


TABLES: dict[str, Callable[[], str]] = {
    "the shipped models": shipped_models,
    "the start weights": lambda: start_weights_table(RECORDS / "start_weights"),
    "the study of characters": lambda: characters_table(*study("characters")),
    "the study of strategies": lambda: strategies_table(*study("strategies")),
    "the generators": lambda: generators_table(list(generators().values())),
    "generators after the same time": lambda: equal_time_table(whole_set_runs()),
    "the best runs and the shipped models": champions,
    "strategies and models": lambda: effects_table(*study("strategies")),
}


def _classifier_rows(name: str, record: RunRecord, metric: str) -> list[str]:
    if record.calibration is None:
        raise ValueError(f"the record of {name} holds no calibration")
    before, after = record.calibration.before.ece, record.calibration.after.ece
    by_chance = [r for r in record.results if (r.metric, r.split) == ("ece_by_chance", "test")]
    return [
        _row(f"{name}: {metric.replace('_', ' ')}", _find(record, metric)),
        f"| {name}: calibration error (ECE) before, after temperature | {before:.3f}, {after:.3f} | |",
        *(_row(f"{name}: calibration error that chance alone makes on so few pictures", r) for r in by_chance),
        _row(f"{name}: truth in the 90% label set", _find(record, "conformal_coverage")),
        _row(f"{name}: strangers recognised, at 5% false alarms", _find(record, "strangers_recognised")),
    ]


def _folds_row(name: str, record: RunRecord, metric: str) -> str:
    mean, sd = (_find(record, f"{metric}_{part}", "folds").value for part in ("mean", "sd"))
    return f"| {name} (mean ± standard deviation) | {mean:.3f} ± {sd:.3f} | |"


def _find(record: RunRecord, metric: str, split: str = "test") -> Result:
    matches = [r for r in record.results if (r.metric, r.split, r.class_name) == (metric, split, None)]
    return matches[0]


def _row(name: str, result: Result) -> str:
    interval = f"{result.ci95[0]:.3f} to {result.ci95[1]:.3f}" if result.ci95 else ""
    return f"| {name} | {result.value:.3f} | {interval} |"


if __name__ == "__main__":
    sys.exit(main())
