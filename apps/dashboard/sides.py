"""What is put side by side: runs, or configurations of several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from anime_models import metrics
from anime_models.records import ReliabilityBin, RunRecord
from anime_models.run_files import Predictions
from apps.dashboard.library import Library

MOST_SIDES = 6


@dataclass(frozen=True)
class Side:
    """One or several runs under one name."""

    name: str
    run_ids: tuple[str, ...]


def sides_of(table: pd.DataFrame, run_ids: Sequence[str], by_configuration: bool) -> list[Side]:
    """The chosen runs, each by itself or those of one configuration together, in the order they were chosen in."""
    rows = (
        table[table["run_id"].isin(run_ids)].set_index("run_id").loc[[r for r in run_ids if r in set(table["run_id"])]]
    )
    if by_configuration:
        groups = rows.groupby("configuration", sort=False)
        named = [Side(part["name"].iloc[0], tuple(part.index)) for _, part in groups]
    else:
        named = [Side(_of_run(row), (str(run_id),)) for run_id, row in rows.iterrows()]
    names = [side.name for side in named]
    return [Side(_only(side, names), side.run_ids) for side in named][:MOST_SIDES]


def _of_run(row: pd.Series) -> str:
    return f"{row['name']}, seed {row['seed']:.0f}" if row["seed"] == row["seed"] else str(row["name"])


def _only(side: Side, names: Sequence[str]) -> str:
    return side.name if names.count(side.name) == 1 else f"{side.name} [{side.run_ids[0]}]"


def records_of(books: Library, side: Side) -> list[RunRecord]:
    """The records of a side's runs, without those that cannot be read any more."""
    return [record for run_id in side.run_ids if (record := books.record(run_id)) is not None]


def predictions_of(books: Library, side: Side, split: str) -> list[tuple[RunRecord, Predictions]]:
    """The predictions of those of a side's runs that have any."""
    pairs = ((record, books.predictions(record.run_id, split)) for record in records_of(books, side))
    return [(record, predictions) for record, predictions in pairs if predictions is not None]


def temperature_of(record: RunRecord) -> float:
    """What a run's logits are divided by before they are shown."""
    return record.calibration.temperature if record.calibration else 1.0


def pooled_bins(records: Sequence[RunRecord]) -> list[ReliabilityBin]:
    """The reliability diagram of all runs' answers together."""
    diagrams = [record.calibration.after.reliability for record in records if record.calibration]
    return [_joined(bars) for bars in zip(*diagrams, strict=True)] if diagrams else []


def _joined(bars: Sequence[ReliabilityBin]) -> ReliabilityBin:
    count = sum(bar.count for bar in bars)
    means = [
        sum(bar.count * (getattr(bar, name) or 0.0) for bar in bars) / count if count else None
        for name in ("confidence", "accuracy")
    ]
    return ReliabilityBin(lower=bars[0].lower, upper=bars[0].upper, count=count, confidence=means[0], accuracy=means[1])


def pooled_answers(found: Sequence[tuple[RunRecord, Predictions]]) -> tuple[np.ndarray, np.ndarray]:
    """Confidence ``[N]`` of all runs' answers together, and whether each is right ``[N]``."""
    answers = [
        metrics.top_label(predictions.labels, predictions.probabilities(temperature_of(record)))
        for record, predictions in found
    ]
    return np.concatenate([one for one, _ in answers]), np.concatenate([right for _, right in answers])


def confusion_of(found: Sequence[tuple[RunRecord, Predictions]]) -> np.ndarray:
    """The mean confusion matrix ``[C, C]`` of some runs."""
    counts = [
        metrics.confusion_matrix(predictions.labels, predictions.logits.argmax(axis=1), len(predictions.names))
        for _, predictions in found
    ]
    mean: np.ndarray = np.mean(counts, axis=0)
    return mean


def classwise_errors(found: Sequence[tuple[RunRecord, Predictions]]) -> pd.Series:
    """Calibration error of each class's own probability, over all runs' answers together."""
    names = found[0][1].names
    labels = np.concatenate([predictions.labels for _, predictions in found])
    chances = np.concatenate([predictions.probabilities(temperature_of(record)) for record, predictions in found])
    bars = (metrics.reliability(chances[:, number], labels == number) for number in range(len(names)))
    return pd.Series([metrics.calibration_error(one) for one in bars], index=list(names))


def class_values(sides: Mapping[str, Sequence[RunRecord]], metric: str = "f1", split: str = "test") -> pd.DataFrame:
    """A figure of each class: a row for each class, a column for each side, and ``side:sd`` of several runs."""
    columns: dict[str, pd.Series] = {}
    for name, records in sides.items():
        runs = [
            {r.class_name: r.value for r in record.results if (r.metric, r.split) == (metric, split) and r.class_name}
            for record in records
        ]
        values = pd.DataFrame([run for run in runs if run])
        if len(values):
            columns[name] = values.mean()
        if len(values) > 1:
            columns[f"{name}:sd"] = values.std(ddof=1)
    return pd.DataFrame(columns)


def settings_of(record: RunRecord) -> dict[str, str]:
    """What a run was set to, a line for each setting."""
    kept = {
        "task": record.task,
        "study": record.study,
        "strategy": record.strategy,
        "seed": record.seed,
        **{f"model.{name}": value for name, value in record.model if name in ("backbone", "head", "start_weights")},
        **{f"dataset.{name}": value for name, value in record.dataset},
        **{f"environment.{name}": value for name, value in record.environment or ()},
        **({"code.commit": record.code.commit, "code.dirty": record.code.dirty} if record.code else {}),
    }
    recipe = dict(_lines("recipe", record.recipe))
    return {name: "—" if value is None else str(value) for name, value in {**kept, **recipe}.items()}


def _lines(prefix: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [line for name, part in value.items() for line in _lines(f"{prefix}.{name}", part)]
    return [(prefix, value)]
