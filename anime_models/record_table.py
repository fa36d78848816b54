"""Many run records as one flat table: a row for each record, a column for each fact and each number.

Columns of numbers are named as in ``record.json``: ``model.num_parameters``, ``timing.inference_ms.p50``,
``calibration.after.ece``, ``recipe.epochs``, and for results ``test/accuracy``, with ``test/accuracy:low`` and
``test/accuracy:high`` where there is a 95% interval. Results of single classes have no column. The fact ``settings`` is
a digest of the recipe, so that runs with other settings under one name can be told apart; ``protocol`` tells how the
measured ones were validated.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel

from anime_models.records import RunRecord

__all__ = ["FACTS", "FlatRecord", "columns", "flatten", "protocol"]

FACTS = (
    "run_id",
    "kind",
    "status",
    "task",
    "study",
    "backbone",
    "head",
    "strategy",
    "start_weights",
    "recipe",
    "settings",
    "scale",
    "augmentation",
    "dataset",
    "revision",
    "protocol",
    "precision",
    "device",
    "paper",
    "paper_table",
)
_CALIBRATION = ("ece", "adaptive_ece", "classwise_ece", "nll", "brier", "aurc")


@dataclass(frozen=True)
class FlatRecord:
    """One record as a row.

    Attributes:
        facts: a text or None for each of ``FACTS``.
        names: names of its columns of numbers.
        values: their values, float64 ``[len(names)]``.
    """

    facts: tuple[str | None, ...]
    names: tuple[str, ...]
    values: np.ndarray


def flatten(record: RunRecord) -> FlatRecord:
    """The row of a record."""
    numbers = dict(_numbers(record))
    for result in record.results:
        if result.class_name is None:
            name = f"{result.split}/{result.metric}"
            numbers[name] = result.value
            if result.ci95 is not None:
                numbers[f"{name}:low"], numbers[f"{name}:high"] = result.ci95
    return FlatRecord(_facts(record), tuple(numbers), np.array(list(numbers.values()), dtype=np.float64))


def columns(rows: Sequence[FlatRecord]) -> dict[str, np.ndarray]:
    """Rows as columns: object arrays of text or None for ``FACTS``, float64 with NaN for numbers, each ``[N]``."""
    table: dict[str, np.ndarray] = {}
    for number, fact in enumerate(FACTS):
        table[fact] = np.array([row.facts[number] for row in rows], dtype=object)
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        alike[row.names].append(number)
    # Records of one program have the same columns, so whole blocks are copied.
    for names, numbers in alike.items():
        block = np.array([rows[number].values for number in numbers])
        for column, name in enumerate(names):
            if name not in table:
                table[name] = np.full(len(rows), np.nan)
            table[name][numbers] = block[:, column]
    return table


def _facts(record: RunRecord) -> tuple[str | None, ...]:
    recipe, environment, source = record.recipe, record.environment, record.source
    return (
        record.run_id,
        record.kind,
        record.status,
        record.task,
        record.study,
        record.model.backbone,
        record.model.head,
        record.strategy,
        record.model.start_weights,
        _text(recipe.get("name")),
        _settings_digest(record),
        _text(recipe.get("scale")),
        _augmentation(recipe.get("augmentation")),
        record.dataset.id,
        record.dataset.revision,
        protocol(record),
        environment.precision if environment else None,
        environment.device if environment else None,
        source.paper if source else None,
        source.table if source else None,
    )


def protocol(record: RunRecord) -> str | None:
    """``folds`` (cross-validated), ``cross-fit`` (calibrated out of fold) or ``hold-out``, as its command tells."""
    if record.code is None:
        return None
    flags = {flag.partition("=")[0] for flag in record.code.command}
    return "folds" if "--folds" in flags else "cross-fit" if "--cross-fit" in flags else "hold-out"


def _settings_digest(record: RunRecord) -> str:
    """The same for records whose recipes agree in everything, and their start weights to the last bit."""
    settings = [record.recipe, record.model.start_digest]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _augmentation(setting: object) -> str | None:
    """The method of a study of augmentations; other recipes hold settings instead of one method."""
    return _text(setting.get("method")) if isinstance(setting, dict) else None


def _numbers(record: RunRecord) -> Iterator[tuple[str, float]]:
    if record.seed is not None:
        yield "seed", record.seed
    yield from _fields("model", record.model)
    yield from ((f"dataset.num_images.{split}", count) for split, count in record.dataset.num_images.items())
    yield from ((f"recipe.{name}", value) for name, value in record.recipe.items() if _is_number(value))
    if record.environment is not None:
        yield "environment.threads", record.environment.threads
    if record.selection is not None:
        yield "selection.best_epoch", record.selection.best_epoch
    if record.timing is not None:
        yield from _fields("timing", record.timing)
        for name, milliseconds in (record.timing.inference_ms or {}).items():
            yield f"timing.inference_ms.{name}", milliseconds
    if record.calibration is not None:
        yield "calibration.temperature", record.calibration.temperature
        for moment in ("before", "after"):
            figures = getattr(record.calibration, moment)
            yield from ((f"calibration.{moment}.{name}", getattr(figures, name)) for name in _CALIBRATION)


def _fields(prefix: str, part: BaseModel) -> Iterator[tuple[str, float]]:
    yield from ((f"{prefix}.{name}", value) for name, value in part if _is_number(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
