"""Measure a checkpoint again and compare with the figures that its record claims.

    python -m training.evaluate --checkpoint anime_models/embedded/characters --data ../shared/data/characters

Exits with 1 when a test figure differs from the record's by more than the tolerance.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from anime_models.classifier import Classifier
from anime_models.errors import DatasetError, RecordError
from anime_models.face_datasets import SPLITS, concatenate, dataset_revision, load_split
from anime_models.records import CalibrationFigures, CalibrationPart, Result, RunRecord
from training.classification.measure import Measured, measure
from training.classification.strangers import STRANGERS, load_strangers
from training.common.commands import exit_status
from training.common.flags import positive_int

TOLERANCE = 1e-3


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    return exit_status(lambda: evaluate(options))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Flags of the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__.split("\n\n")[0])
    parser.add_argument("--checkpoint", required=True, help="checkpoint folder or Hub id")
    parser.add_argument("--data", type=Path, required=True, help="dataset folder with train, validation, test.parquet")
    parser.add_argument("--strangers", choices=("none", *STRANGERS), help="the record's own by default")
    parser.add_argument("--threads", type=positive_int, default=torch.get_num_threads())
    return parser.parse_args(arguments)


def evaluate(options: argparse.Namespace) -> int:
    """Measure and compare; returns the exit status, 1 when a figure is off."""
    classifier = Classifier.load(options.checkpoint)
    if classifier.record is None:
        raise RecordError(f"{options.checkpoint} has no record.json to compare with; train it with this version.")
    if not figures(classifier.record.results, classifier.record.calibration):
        raise RecordError(f"The record of {options.checkpoint} claims no test figure; train it with this version.")
    data = Path(options.data)
    splits = {split: load_split(data, split) for split in SPLITS}
    for split, faces in splits.items():
        if faces.label_names != classifier.label_names:
            raise DatasetError(f"{data}/{split}: its classes are not those of {options.checkpoint}; name its data.")
    kind = options.strangers or default_strangers(classifier)
    strangers = None if kind == "none" else load_strangers(kind, data)
    if dataset_revision(data) != classifier.record.dataset.revision:
        print("note: this data set differs from the one that the record names", file=sys.stderr)
    if classifier.calibration.fitted_on == "out_of_fold":  # then validation was trained on as well
        splits = {"train": concatenate([splits["train"], splits["validation"]]), "test": splits["test"]}
    measured = measure(classifier, splits, strangers)
    return report(compare(measured, classifier.record))


def default_strangers(classifier: Classifier) -> str:
    """The strangers that the shipped models were measured on."""
    if classifier.config.strangers is None:
        return "none"
    return "neutral" if classifier.task == "emotion" else "faces"


def compare(measured: Measured, record: RunRecord) -> list[tuple[str, float, float]]:
    """Name, claimed value and measured value of every test figure of the record."""
    claimed = figures(record.results, record.calibration)
    found = figures(measured.results, measured.calibration)
    return [(name, value, found.get(name, float("nan"))) for name, value in claimed.items()]


def figures(results: list[Result], calibration: CalibrationPart | None) -> dict[str, float]:
    """Test figures by name."""
    named = {_name(result): result.value for result in results if result.split == "test"}
    if calibration is not None:
        for moment, part in (("before", calibration.before), ("after", calibration.after)):
            scalars = [name for name in CalibrationFigures.model_fields if name != "reliability"]
            named |= {f"{name} {moment} temperature": getattr(part, name) for name in scalars}
    return named


def report(rows: list[tuple[str, float, float]]) -> int:
    """Print the comparison; 1 when a figure is off or missing."""
    off = [name for name, claimed, found in rows if not abs(claimed - found) <= TOLERANCE]
    for name, claimed, found in rows:
        print(f"{name:50s} record {claimed:8.4f}   now {found:8.4f}{'   DIFFERS' if name in off else ''}")
    print(f"{len(rows) - len(off)} of {len(rows)} test figures reproduced to {TOLERANCE:g}")
    return 1 if off else 0


def _name(result: Result) -> str:
    return result.metric if result.class_name is None else f"{result.metric} [{result.class_name}]"


if __name__ == "__main__":
    sys.exit(main())
