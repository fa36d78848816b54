"""Tables of trained generators: where each ended, and how far two had come after the same time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

from anime_models.errors import ConfigError
from anime_models.records import RunRecord, read_record
from anime_models.run_files import RunFiles
from training.generation.loop import FID
from training.generation.recipe import with_defaults
from training.studies.table import line

MARKS = (1 / 8, 1 / 4, 1 / 2, 1)  # of the time that the faster of two recipes takes
DASH = "—"


def generators_table(records: Sequence[RunRecord]) -> str:
    """A line for each configuration: its figures on held-out faces, mean over seeds.

    Raises:
        ConfigError: when the records' figures come from two extractors, which stand in no column together.
    """
    extractors = sorted({str(record.recipe["extractor"]) for record in records})
    if len(extractors) > 1:
        raise ConfigError(f"Figures of {' and '.join(extractors)} stand in no column together; ship those of one.")
    titles = (
        "start",
        "residual",
        "augmentation",
        "shortest latents",
        "pictures",
        "most typical",
        "learning rate",
        "epochs",
        "seeds",
        "minutes",
        "real : generated",
    )
    figures = {
        "FID": ("fid", 0),
        "of real faces": ("fid_floor", 0),
        "KID": ("kid", 3),
        "precision": ("precision", 2),
        "recall": ("recall", 2),
    }
    rows = [
        line("recipe", "data", *titles, *figures, "as near to a training face as 1% of real ones"),
        line("---", "---", *["---:"] * (len(titles) + len(figures) + 1)),
    ]
    for group in _configurations(records):
        recipe, data = group[0].recipe, group[0].dataset
        minutes = [r.timing.total_seconds / 60 for r in group if r.timing and r.timing.total_seconds is not None]
        rows.append(
            line(
                recipe["name"],
                data.id,
                "random" if group[0].model.start_weights == "random" else "trained",
                f"{with_defaults(recipe)['residual']:d}",
                ", ".join(recipe.get("augmentation", ())) or DASH,
                f"{with_defaults(recipe)['shortest_latent']:g}",
                f"{data.num_images['train']:,}",
                f"{with_defaults(recipe)['typical_share']:.0%}",
                f"{recipe['generator_lr']:g}",
                str(group[0].timing.epochs_run if group[0].timing else recipe["epochs"]),
                str(len(group)),
                _over_seeds(minutes, 0),
                " : ".join(f"{group[0].value(name, 'validation') or 0:.0f}" for name in ("num_real", "num_generated")),
                *(_over_seeds([_figure(r, name) for r in group], digits) for name, digits in figures.values()),
                _over_seeds([r.value("nearer_than_nearest_1%_held_out", "train") for r in group], 3),
            )
        )
    return "".join(rows)


def equal_time_table(runs: Mapping[str, Path]) -> str:
    """The lowest FID on held-out faces that each run had reached after the same seconds of training.

    Args:
        runs: path of each record by name, the papers' recipe first and ours last; ``metrics.jsonl`` is beside.

    Raises:
        ConfigError: when they had not the same processor and threads, so that their seconds mean different things.
    """
    if len(machines := {_machine(path) for path in runs.values()}) > 1:
        raise ConfigError(f"Runs on {' and '.join(sorted(machines))} do not compare after the same time.")
    curves = {name: _curve(path) for name, path in runs.items()}
    if len(curves) < 2 or not all(curves.values()):
        return line("FID after", DASH) + line("---", "---")
    whole = min(curve[-1][0] for curve in curves.values())
    rows = [line("FID after", *curves, "change"), line("---", *["---:"] * (len(curves) + 1))]
    for mark in MARKS:
        lowest = [_lowest(curve, mark * whole) for curve in curves.values()]
        known = all(value is not None for value in lowest)
        change = f"{100 * (lowest[-1] / lowest[0] - 1):+.0f}%" if known and lowest[0] and lowest[-1] else DASH
        rows.append(line(f"{mark * whole / 60:.0f} minutes", *(_number(value, 0) for value in lowest), change))
    return "".join(rows)


def _configurations(records: Iterable[RunRecord]) -> list[list[RunRecord]]:
    """Runs that differ in nothing but the seed, those with the most pictures first."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        settings = [with_defaults(record.recipe), record.dataset.model_dump(), record.model.start_digest]
        groups.setdefault(json.dumps(settings, sort_keys=True), []).append(record)
    return sorted(groups.values(), key=lambda group: _order(group[0]))


def _order(record: RunRecord) -> tuple[int, str, str, float]:
    data = record.dataset
    return -data.num_images["train"], data.id, str(record.strategy), float(record.recipe["generator_lr"])


def _figure(record: RunRecord, name: str) -> float | None:
    return record.value(f"{name}/{record.recipe['extractor']}", "validation")


def _over_seeds(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return _number(known[0] if known else None, digits)
    return f"{mean(known):.{digits}f} ± {stdev(known):.{digits}f}"


def _number(value: float | None, digits: int) -> str:
    return DASH if value is None else f"{value:.{digits}f}"


def _curve(path: Path) -> list[tuple[float, float]]:
    """Seconds of training up to the end of each measured epoch, and its FID."""
    seconds, curve = 0.0, []
    for epoch in RunFiles(path, read_record(path)).epochs():
        seconds += epoch["seconds"]
        if FID in epoch:
            curve.append((seconds, epoch[FID]))
    return curve


def _machine(path: Path) -> str:
    environment = read_record(path).environment
    if environment is None:
        return "an unnamed machine"
    return f"{environment.device}, {environment.threads} threads"


def _lowest(curve: Sequence[tuple[float, float]], seconds: float) -> float | None:
    return min((fid for after, fid in curve if after <= seconds), default=None)
