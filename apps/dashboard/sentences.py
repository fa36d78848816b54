"""Sentences made from records: which model to use, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from apps.dashboard.frame import Figure, figure_of
from apps.dashboard.glossary import Metric, metric, with_spread, written
from apps.dashboard.names import BACKBONES, MEASURED, REPORTED, SPLITS, called, paper_table, short_paper

# The figure that says how good a model of a task is; of a generator it is called after its extractor.
QUALITY = {
    "character": "test/accuracy",
    "emotion": "test/accuracy",
    "sex": "test/accuracy",
    "detection": "test/f1_iou50",
    "embedding": "test/linear_probe_accuracy",
}
DISTANCE = "validation/fid/"
ALIKE = 1.25  # times the smaller: up to here two effects are called about as large
UNSTEADY = 2.0  # times the shortest: from here on, what one network took in several runs is worth a warning
USABLE = 0.9  # of the best figure: a model that falls short of it is not recommended for its speed or size
ECE, LATENCY, SIZE = "calibration.after.ece", "timing.inference_ms.p50", "model.num_parameters"


@dataclass(frozen=True)
class Choice:
    """The best configuration in one respect.

    Attributes:
        aspect: ``accuracy`` (``quality`` where another figure ranks), ``calibrated confidence``, ``speed`` or ``size``.
        row: the row of `over_seeds` that was chosen.
        figure: its figure in words.
        sentence: what the figure means, and how sure the choice is.
    """

    aspect: str
    row: Mapping[str, object]
    figure: str
    sentence: str


def quality(task: str, table: pd.DataFrame) -> str | None:
    """The column that ranks models of a task; None where no record has one."""
    if task == "generation":
        distances = [name for name in table if name.startswith(DISTANCE) and ":" not in name]
        return max(distances, key=lambda name: int(table[name].notna().sum()), default=None)
    column = QUALITY.get(task, "test/accuracy")
    return column if column in table else None


def comparable(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows on one data set in one state: that of a shipped model, else the one that most rows are on."""
    if not len(rows):
        return rows
    data = rows["dataset"].astype("object").fillna("") + " " + rows["revision"].astype("object").fillna("")
    pool = data[rows["shipped"]] if rows["shipped"].any() else data
    return rows[data == pool.value_counts().index[0]]


def choices(rows: pd.DataFrame, column: str) -> list[Choice]:
    """The best measured configuration for accuracy (or quality), for calibrated confidence, for speed and for size.

    For the last three only those count that reach `USABLE` of the best figure.

    Args:
        rows: of `over_seeds`, finished, of one task.
        column: the figure that ranks them (`quality`).
    """
    measured = comparable(rows[(rows["kind"] == MEASURED) & rows[column].notna()])
    usable = _usable(measured, metric(column))
    best = "accuracy" if column.endswith("/accuracy") else "quality"
    found = []
    for aspect, by in ((best, column), ("calibrated confidence", ECE), ("speed", LATENCY), ("size", SIZE)):
        rivals = measured if by == column else usable
        known = rivals[rivals[by].notna()] if by in rivals else rivals.iloc[:0]
        if len(known):
            found.append(_choice(aspect, known, metric(by), metric(column)))
    return found


def _usable(rows: pd.DataFrame, ranking: Metric) -> pd.DataFrame:
    values = rows[ranking.column]
    if ranking.better == "lower":
        return rows[values <= values.min() / USABLE]
    return rows[values >= values.max() * USABLE]


def _choice(aspect: str, known: pd.DataFrame, by: Metric, ranking: Metric) -> Choice:
    ordered = known.sort_values([by.column, "shipped"], ascending=[by.better == "lower", False])
    row = ordered.iloc[0].to_dict()
    figure = figure_of(row, by.column)
    parts = [_meaning(figure, by, row)]
    if by.column != ranking.column:
        parts.append(f"{ranking.name}: {written(row[ranking.column], ranking.unit)}.")
    parts.append(_certainty(ordered, figure, by))
    return Choice(aspect, row, written(figure.value, by.unit), " ".join(part for part in parts if part))


def _meaning(figure: Figure, by: Metric, row: Mapping[str, object]) -> str:
    several = f", mean of {figure.runs} runs" if figure.runs > 1 else ""
    value = with_spread(figure.value, by.unit, figure.sd, (figure.low, figure.high)) + several
    if by.column == "test/accuracy":
        return f"It is right on {value} of {_pictures(row)} that it never saw in training."
    if by.column == ECE:
        return f"Its confidence is off by {figure.value * 100:.1f} points on average (ECE {value})."
    if by.column == LATENCY:
        return f"It takes {value} for a picture, on {row['device']}."
    if by.column == SIZE:
        return f"It has {written(figure.value, by.unit)} parameters."
    return f"Its {by.name} is {value}, {'lower' if by.better == 'lower' else 'higher'} is better."


def _pictures(row: Mapping[str, object]) -> str:
    count = row.get("dataset.num_images.test", float("nan"))
    return f"{count:,.0f} test pictures" if isinstance(count, float) and count == count else "the test pictures"


def _certainty(ordered: pd.DataFrame, figure: Figure, by: Metric) -> str:
    """Whether others are as good: within the interval, or within one standard deviation over seeds."""
    others = len(ordered) - 1
    if not others:
        return "It is the only such one on this data."
    within = figure.sd if figure.sd == figure.sd else figure.value - figure.low
    if by.better == "lower" and figure.sd != figure.sd:
        within = figure.high - figure.value
    if within != within or by.column in (LATENCY, SIZE):
        return f"Best of {others + 1} on this data."
    near = int(((ordered[by.column] - figure.value).abs() <= within).sum()) - 1
    chance = f"; {near} {'are' if near > 1 else 'is'} so near that chance may decide" if near else ""
    return f"Best of {others + 1} on this data{chance}."


def best_reported(rows: pd.DataFrame, column: str) -> str:
    """What the papers' best run reports, as a sentence; empty where there is none."""
    reported = rows[(rows["kind"] == REPORTED) & rows[column].notna()]
    if not len(reported):
        return ""
    by = metric(column)
    row = reported.sort_values(column, ascending=by.better == "lower").iloc[0]
    value, place = written(row[column], by.unit), paper_table(row["paper_table"])
    return (
        f"The best figure in the papers is {by.name} {value}: {row['name']}, {place}. It was got on the paper's own "
        f"data ({row['dataset']}), so it says how hard the task is, not which model is better."
    )


def strategy_or_backbone(rows: pd.DataFrame, by: Metric) -> str:
    """Which moves a metric more on average, the strategy or the backbone; empty for an incomplete grid."""
    grid = rows.pivot_table(by.column, "backbone", "strategy", observed=True)
    if grid.shape[0] < 2 or grid.shape[1] < 2 or grid.isna().to_numpy().any():
        return ""
    strategy = float((grid.max(axis=1) - grid.min(axis=1)).mean())
    backbone = float((grid.max(axis=0) - grid.min(axis=0)).mean())
    if max(strategy, backbone) < ALIKE * min(strategy, backbone):
        more = "Strategy and backbone matter about as much"
    else:
        more = "The strategy matters more than the backbone" if strategy > backbone else "The backbone matters more"
    unit = "points of " if by.unit == "percent" else "of "
    factor = 100 if by.unit == "percent" else 1
    digits = 1 if by.unit == "percent" else 3
    return (
        f"{more}: for one backbone, the best and the worst strategy are {strategy * factor:.{digits}f} {unit}{by.name} "
        f"apart on average; for one strategy, the best and the worst backbone {backbone * factor:.{digits}f}."
        + _caution(rows, by, abs(strategy - backbone))
    )


def _caution(rows: pd.DataFrame, by: Metric, difference: float) -> str:
    """That a difference may be chance, where it is less than half the interval of one figure."""
    ends = [f"{by.column}:low", f"{by.column}:high"]
    if not set(ends) <= set(rows):
        return ""
    within = float((rows[ends[1]] - rows[ends[0]]).median()) / 2
    if not difference < within:
        return ""
    known = f"{within * 100:.1f} points" if by.unit == "percent" else f"{within:.3f}"
    return f" One figure alone is known to ± {known} (95% interval), so chance may decide which matters more."


def unsteady(runs: pd.DataFrame, column: str) -> str:
    """A warning where one network took very different times in different runs; empty where none did.

    Args:
        runs: a row for each run.
        column: a latency.
    """
    if not column.startswith("timing.inference_ms.") or column not in runs:
        return ""
    measured = runs[(runs["kind"] == MEASURED) & runs[column].notna()]
    alike = [name for name in ("backbone", "head", "device", "recipe.image_size") if name in runs]
    spans = measured.groupby(alike, observed=True, dropna=False)[column].agg(["min", "max"])
    factors = spans["max"] / spans["min"]
    if not (factors > UNSTEADY).any():
        return ""
    worst = int(factors.argmax())
    low, high = (written(value, "milliseconds") for value in spans.iloc[worst])
    name = called(BACKBONES, factors.index[worst][0])
    return (
        f"One and the same network ({name}) took from {low} to {high} in different runs: the machine "
        "was busy with other work at times. Smaller differences of latency say nothing."
    )


def drop_between(rows: pd.DataFrame, first: str, second: str) -> str:
    """How a figure changes from one test to another, on average over the rows that have both."""
    both = rows[rows[first].notna() & rows[second].notna()] if {first, second} <= set(rows) else rows.iloc[:0]
    if not len(both):
        return ""
    change = float((both[second] - both[first]).mean()) * 100
    split = called(SPLITS, second.partition("/")[0])
    runs = f"{len(both)} configurations" if len(both) > 1 else "one configuration"
    way = "lower" if change < 0 else "higher"
    return f"{metric(first).name} is {abs(change):.1f} points {way} on {split} than on the controlled test ({runs})."


def sources_told(table: pd.DataFrame) -> str:
    """How many runs there are of which kind."""
    measured, reported = (int((table["kind"] == kind).sum()) for kind in (MEASURED, REPORTED))
    papers = sorted({short_paper(paper) for paper in table["paper"].dropna()})
    running = int((table["status"] == "running").sum())
    told = f"{measured} run{'s' * (measured != 1)} measured by this program"
    if reported:
        told += f", and {reported} that papers report ({', '.join(papers)})"
    unfinished = f" {running} {'are' if running > 1 else 'is'} still recorded as running." if running else ""
    return f"{told}.{unfinished}"
