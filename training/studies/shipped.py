"""Tables of the shipped records: the start weights and the two studies of classifiers, measured beside reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import mean

from anime_models.records import RunRecord, read_record
from training.studies.cells import STUDIES
from training.studies.table import line, mean_and_deviation

Figure = Callable[[RunRecord], float | None]
Grid = dict[tuple[str, str], float]  # by model and strategy
STRATEGIES = STUDIES["strategies"].strategies  # the recipe of each
EXTRAS = STUDIES["strategies"].extras


def start_weights_table(folder: Path) -> str:
    """Each backbone's linear probe on known characters: taught by EfficientNet-Lite0 beside its random start.

    Passes and minutes are those of all runs that went on from one another.

    Args:
        folder: with one record of ``training.distill`` for each backbone.
    """
    titles = [f"{start}{split}" for split in ("", ", validation") for start in ("taught", "random start")]
    rows = [
        line("backbone", "passes over the faces", "minutes on a core", *titles),
        line("---", *["---:"] * (2 + len(titles))),
    ]
    records = [read_record(path) for path in sorted(folder.glob("*.json"))]
    for record in records:
        seconds, recipe = record.timing.total_seconds if record.timing else None, record.recipe
        rows.append(
            line(
                record.model.backbone,
                f"{recipe['epochs'] + recipe.get('epochs_before', 0):.2g}",
                f"{seconds / 60 + recipe.get('minutes_before', 0):.0f}" if seconds else "—",
                *(
                    _with_interval(record, f"linear_probe_accuracy{of}", split)
                    for split in ("test", "validation")
                    for of in ("", "_random_start")
                ),
            )
        )
    return "".join(rows)


def characters_table(measured: Sequence[RunRecord], reported: Sequence[RunRecord]) -> str:
    """Backbones and heads on the controlled and on the internet-like test, beside Kanata et al. (Tables 3 to 5)."""
    titles = ("accuracy", "internet-like", "ECE before", "after", "paper", "paper, internet")
    rows = [line("backbone", "head", "seeds", *titles), line("---", "---", "---:", *["---:"] * len(titles))]
    for backbone in STUDIES["characters"].backbones:
        for head in STUDIES["characters"].heads:
            runs, paper = ([r for r in rs if _is_of(r, backbone, head=head)] for rs in (measured, reported))
            rows.append(
                line(
                    backbone,
                    head,
                    str(len(runs)),
                    over_seeds(runs, value_of("accuracy")),
                    over_seeds(runs, value_of("accuracy", "internet")),
                    over_seeds(runs, _ece_before),
                    over_seeds(runs, _ece_after),
                    over_seeds(paper, value_of("accuracy")),
                    over_seeds(paper, value_of("accuracy", "internet")),
                )
            )
    return "".join(rows)


def strategies_table(measured: Sequence[RunRecord], reported: Sequence[RunRecord]) -> str:
    """Backbones under the strategies, beside Santoro et al. (Table 2); of extra strategies those that were run."""
    titles = ("accuracy", "macro F1", "loss", "ECE before", "after", "seconds per epoch", "paper", "paper, macro F1")
    rows = [line("backbone", "strategy", "seeds", *titles), line("---", "---", "---:", *["---:"] * len(titles))]
    study = STUDIES["strategies"]
    for backbone in study.backbones + study.extra_backbones:
        for strategy, recipe in (STRATEGIES | EXTRAS).items():
            runs, paper = ([r for r in rs if _is_of(r, backbone, recipe=recipe)] for rs in (measured, reported))
            if strategy in EXTRAS and not runs:
                continue
            seconds = [r.timing.seconds_per_epoch for r in runs if r.timing and r.timing.seconds_per_epoch is not None]
            rows.append(
                line(
                    backbone,
                    strategy,
                    str(len(runs)),
                    over_seeds(runs, value_of("accuracy")),
                    over_seeds(runs, value_of("macro_f1")),
                    over_seeds(runs, value_of("loss")),
                    over_seeds(runs, _ece_before),
                    over_seeds(runs, _ece_after),
                    f"{mean(seconds):.1f}" if seconds else "—",
                    over_seeds(paper, value_of("accuracy")),
                    over_seeds(paper, value_of("macro_f1")),
                )
            )
    return "".join(rows)


def effects_table(measured: Sequence[RunRecord], reported: Sequence[RunRecord]) -> str:
    """How much strategy and architecture matter: spreads of mean test accuracy in points, here and in the paper.

    Over the paper's four models; a dash while runs of them are missing.
    """
    rows = [line("points of test accuracy", "here", "paper"), line("---", "---:", "---:")]
    grids = [_grid_of_means(records) for records in (measured, reported)]
    effects: dict[str, Callable[[Grid], float]] = {
        "best less worst strategy, mean over models": lambda grid: _spread(grid, 1),
        "best less worst model, mean over strategies": lambda grid: _spread(grid, 0),
        "best strategy less linear probe, ResNets": lambda grid: _gain(grid, ("resnet18", "resnet50")),
        "best strategy less linear probe, ViTs": lambda grid: _gain(grid, ("vit_base_16", "vit_small_16")),
    }
    rows += [line(name, *(f"{100 * of(g):.1f}" if g else "—" for g in grids)) for name, of in effects.items()]
    return "".join(rows)


def champions_table(contests: Sequence[tuple[Sequence[RunRecord], RunRecord]]) -> str:
    """The best run of each study beside the model that ships, by accuracy on what neither was trained on.

    Args:
        contests: a study's measured runs, and the shipped model for its task. One that was trained on train and
            validation together counts by its answers out of fold.
    """
    rows = [line("task", "best run of the study", "validation", "shipped", "measured on"), line(*["---"] * 5)]
    for runs, shipped in contests:
        best = max(runs, key=lambda run: _unseen(run)[1])
        split, value = _unseen(shipped)
        rows.append(
            line(
                best.task,
                f"{best.model.backbone}, {best.model.head} head, {best.strategy}, seed {best.seed}",
                f"{_unseen(best)[1]:.3f}",
                f"{value:.3f}",
                split.replace("_", " "),
            )
        )
    return "".join(rows)


def value_of(metric: str, split: str = "test") -> Figure:
    """What reads that metric from a record."""
    return lambda record: record.value(metric, split)


def over_seeds(records: Iterable[RunRecord], figure: Figure) -> str:
    """Mean and standard deviation of a figure, or a dash."""
    return mean_and_deviation([value for value in map(figure, records) if value is not None])


def _unseen(record: RunRecord) -> tuple[str, float]:
    """The split whose pictures were not trained on, test apart, and the accuracy there."""
    for split in ("validation", "out_of_fold"):
        value = record.value("accuracy", split)
        if value is not None:
            return split, value
    raise ValueError(f"{record.run_id} has no accuracy on pictures outside of training and test")


def _ece_before(record: RunRecord) -> float | None:
    return record.calibration.before.ece if record.calibration else None


def _ece_after(record: RunRecord) -> float | None:
    return record.calibration.after.ece if record.calibration else None


def _is_of(record: RunRecord, backbone: str, *, head: str | None = None, recipe: str | None = None) -> bool:
    model = record.model
    return model.backbone == backbone and head in (None, model.head) and recipe in (None, record.recipe.get("name"))


def _with_interval(record: RunRecord, metric: str, split: str) -> str:
    (result,) = [r for r in record.results if (r.metric, r.split) == (metric, split)]
    interval = f" ({result.ci95[0]:.2f} to {result.ci95[1]:.2f})" if result.ci95 else ""
    return f"{result.value:.3f}{interval}"


def _grid_of_means(records: Sequence[RunRecord]) -> Grid:
    """Mean test accuracy over seeds of each of the paper's models and strategies; empty while one is missing."""
    means: Grid = {}
    for backbone in STUDIES["strategies"].backbones:
        for strategy, recipe in STRATEGIES.items():
            found = [record.value("accuracy") for record in records if _is_of(record, backbone, recipe=recipe)]
            accuracies = [accuracy for accuracy in found if accuracy is not None]
            if not accuracies:
                return {}
            means[backbone, strategy] = mean(accuracies)
    return means


def _spread(grid: Grid, axis: int) -> float:
    """Mean, over the names of the other axis, of best less worst along ``axis``: 0 for models, 1 for strategies."""
    ranges = []
    for name in {cell[1 - axis] for cell in grid}:
        values = [value for cell, value in grid.items() if cell[1 - axis] == name]
        ranges.append(max(values) - min(values))
    return mean(ranges)


def _gain(grid: Grid, backbones: Sequence[str]) -> float:
    """The best strategy's accuracy less that of the linear probe, mean over the backbones."""
    gains = []
    for name in backbones:
        values = [value for (backbone, _), value in grid.items() if backbone == name]
        gains.append(max(values) - grid[name, "linear_probe"])
    return mean(gains)
