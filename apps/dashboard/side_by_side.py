"""Some sides beside each other: metrics, settings, curves, confusions, classes, confidences."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from anime_models.errors import RecordError
from anime_models.metrics import risk_coverage
from apps.dashboard.charts.confidence import reliability
from apps.dashboard.charts.confidence import risk_coverage as risk_coverage_figure
from apps.dashboard.charts.confusion import confusion, confusion_difference, per_class
from apps.dashboard.charts.curves import Epochs, figures_over_epochs, over_training
from apps.dashboard.charts.dots import dots
from apps.dashboard.filters import metric_of, one_of
from apps.dashboard.frame import each_run, figure_of, numbers, over_seeds
from apps.dashboard.glossary import metric, with_spread
from apps.dashboard.library import Library
from apps.dashboard.show import figure, table
from apps.dashboard.sides import (
    Side,
    class_values,
    confusion_of,
    pooled_answers,
    pooled_bins,
    predictions_of,
    records_of,
    settings_of,
)

NO_PREDICTIONS = (
    "{}: no predictions are stored beside the record. Reported records are numbers alone; a run of "
    "`python -m training.train_classifier` leaves `predictions.parquet` in its folder."
)
RESULTS_FIRST = ("test/", "validation/fid/")
NO_EPOCHS = "{}: no figures of single epochs are stored beside the record (`metrics.jsonl` of a run folder)."


def side_by_side(books: Library, sides: Sequence[Side]) -> None:
    """The sides in tabs; only the open one is drawn."""
    st.header("Side by side", divider="gray")
    with st.container(horizontal=True):
        for side in sides:
            st.page_link("views/run.py", label=f"Open {side.name}", query_params={"id": side.run_ids[0]})
    parts: dict[str, Callable[[Library, Sequence[Side]], None]] = {
        "Metrics": _metrics,
        "Settings": _settings,
        "Curves": curves,
        "Confusions": confusions,
        "Classes": _classes,
        "Confidence": confidences,
    }
    tabs = st.tabs(list(parts), key="tab", bind="query-params")
    for tab, draw in zip(tabs, parts.values(), strict=True):
        if tab.open:
            with tab:
                draw(books, sides)


def _metrics(books: Library, sides: Sequence[Side]) -> None:
    run_ids = [run_id for side in sides for run_id in side.run_ids]
    rows = books.table[books.table["run_id"].isin(run_ids)]
    columns = [name for name in numbers(rows) if not name.startswith(("recipe.", "dataset.", "seed", "environment."))]
    columns.sort(key=lambda name: not name.startswith(RESULTS_FIRST))
    together = any(len(side.run_ids) > 1 for side in sides)
    values = (over_seeds if together else each_run)(rows, columns)
    values["side"] = values["run_ids"].map(lambda text: _side_of(text, sides))
    by_side = {row["side"]: row for row in values.to_dict("records")}
    ordered = [by_side[side.name] for side in sides if side.name in by_side]
    lines = [
        {"Metric": metric(name).name}
        | {row["side"]: _text(row, name) for row in ordered}
        | {"What it means": metric(name).help}
        for name in columns
    ]
    table(pd.DataFrame(lines), "Every number, side by side", raw=values)
    one = metric_of("Metric", columns, "shown")
    explained = "Filled dots are measured, hollow ones reported; bars are 95% intervals, or ± one standard deviation."
    figure(dots(values, one, "side"), f"Which is better in {one.name}?", explained, [one])


def _side_of(run_ids: str, sides: Sequence[Side]) -> str:
    first = run_ids.split()[0]
    return next((side.name for side in sides if first in side.run_ids), first)


def _text(row: dict[str, float], column: str) -> str:
    one = figure_of(row, column)
    return with_spread(one.value, metric(column).unit, one.sd, (one.low, one.high))


def _settings(books: Library, sides: Sequence[Side]) -> None:
    everything = st.toggle("Also what they agree in", key="all-settings", bind="query-params")
    settings = {side.name: settings_of(records[0]) for side in sides if (records := records_of(books, side))}
    rows = pd.DataFrame(settings).fillna("—")
    differing = rows[rows.nunique(axis=1) > 1]
    shown = rows if everything or len(settings) == 1 else differing
    if not len(shown):
        st.info("They agree in every setting.")
        return
    shown = shown.rename_axis("Setting").reset_index()
    table(shown, "What were they set to?" if everything else "In which settings do they differ?")


def curves(books: Library, sides: Sequence[Side]) -> None:
    """Figures over epochs or seconds."""
    runs: dict[str, list[Epochs]] = {}
    for side in sides:
        epochs = [lines for run_id in side.run_ids if (lines := _epochs(books, run_id))]
        if epochs:
            runs[side.name] = epochs
        else:
            st.caption(NO_EPOCHS.format(side.name))
    names = figures_over_epochs(runs)
    if not names:
        return
    with st.container(horizontal=True):
        shown = one_of("Figure", names, "curve", {name: metric(name).name for name in names})
        by_seconds = one_of("Over", ("epochs", "seconds"), "over") == "seconds"
    explained = (
        "Each line is what `metrics.jsonl` says of a run, epoch by epoch. Several seeds are their mean with a band of "
        "± one standard deviation, and where one of them has ended that of the others. Over seconds, a "
        "cheaper run ends further to the left."
    )
    figure(over_training(runs, shown, by_seconds), f"{metric(shown).name} over training", explained)


def _epochs(books: Library, run_id: str) -> Epochs:
    files = books.files(run_id)
    try:
        return files.epochs() if files else []
    except RecordError as error:
        st.warning(str(error))
        return []


def confusions(books: Library, sides: Sequence[Side]) -> None:
    """What is taken for what, and between two sides how that differs."""
    split = split_of(books, sides)
    found = {side.name: predictions_of(books, side, split) for side in sides}
    known = {name: pairs for name, pairs in found.items() if pairs}
    for name in found.keys() - known.keys():
        st.caption(NO_PREDICTIONS.format(name))
    maps = {name: (confusion_of(pairs), pairs[0][1].names) for name, pairs in known.items()}
    explained = (
        "A line for each true class, a column for what it is taken for; numbers are pictures (means over seeds), the "
        "colour their share of the line. A perfect model has the diagonal alone."
    )
    for name, (counts, names) in maps.items():
        figure(confusion(counts, names), f"What does {name} take for what?", explained)
    if len(maps) == 2:
        (first, names), (second, other_names) = maps.values()
        if names == other_names:
            explained = "Points of percent of each true class. Orange: the second does it more often; blue: the first."
            figure(confusion_difference(first, second, names), "How does the second differ from the first?", explained)


def split_of(books: Library, sides: Sequence[Side]) -> str:
    """The split whose predictions are looked at; there is a choice where there are several."""
    splits: dict[str, None] = {}
    for side in sides:
        files = books.files(side.run_ids[0])
        try:
            splits |= dict.fromkeys(files.splits() if files else ())
        except RecordError as error:
            st.warning(str(error))
    ordered = sorted(splits, key=lambda name: name != "test") or ["test"]
    return ordered[0] if len(ordered) == 1 else one_of("Pictures of", ordered, "split")


def _classes(books: Library, sides: Sequence[Side]) -> None:
    values = class_values({side.name: records_of(books, side) for side in sides})
    if not len(values):
        st.caption("None of them has figures of single classes.")
        return
    explained = "A mark for each side; the hardest class stands at the top. F1 joins precision and recall."
    figure(per_class(values), "Which classes are hard?", explained)


def confidences(books: Library, sides: Sequence[Side]) -> None:
    """Reliability diagrams and risk-coverage curves."""
    diagrams = {side.name: pooled_bins(records_of(books, side)) for side in sides}
    diagrams = {name: bins for name, bins in diagrams.items() if bins}
    if diagrams:
        explained = (
            "Answers of about the same confidence are one point; its height is the share of them that was right. On "
            "the dashed line confidences mean what they say, below it they promise too much. Larger points are more "
            "answers."
        )
        figure(
            reliability(diagrams), "Do confidences mean what they say?", explained, [metric("calibration.after.ece")]
        )
    found = {side.name: predictions_of(books, side, "test") for side in sides}
    lines = {name: risk_coverage(*pooled_answers(pairs)) for name, pairs in found.items() if pairs}
    for name in found.keys() - lines.keys():
        st.caption(NO_PREDICTIONS.format(name))
    if lines:
        explained = "From left to right more pictures get an answer, the most confident first. Lower lines err less."
        title = "How many answers are wrong when only the confident ones are given?"
        figure(risk_coverage_figure(lines), title, explained, [metric("calibration.after.aurc")])
