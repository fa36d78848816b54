"""Who is hard to recognise, and what helps?"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from apps.dashboard.charts.confusion import confusion, grouped_counts, per_class
from apps.dashboard.charts.heads import pairs, two_tests
from apps.dashboard.filters import in_one_setting, metric_of, one_of
from apps.dashboard.frame import over_seeds
from apps.dashboard.glossary import metric
from apps.dashboard.library import Library, library
from apps.dashboard.names import MEASURED
from apps.dashboard.sentences import drop_between
from apps.dashboard.show import figure, nothing_yet
from apps.dashboard.side_by_side import NO_PREDICTIONS
from apps.dashboard.sides import Side, class_values, confusion_of, predictions_of, records_of

COMMAND = "python -m training.grid --study characters --seeds 3 --scale cpu --data ../shared/data/characters"
METRICS = ("test/accuracy", "test/weighted_f1", "test/macro_f1", "test/loss", "calibration.after.ece")
HEADS = ("plain", "dropout")
TESTS = ("test/accuracy", "internet/accuracy", "other_source/accuracy")
READ_HEADS = (
    "Each line is a backbone; its two marks are the same backbone under a plain head and under one with dropout. "
    "Hollow marks are the paper's, on its own data."
)
READ_TESTS = (
    "Controlled: pictures like those of training. Internet-like: the paper's are pictures from the internet; ours are "
    "the test pictures after what the internet does to them (JPEG, blur, colour, crop, overlay), or pictures of "
    "another source."
)
READ_CLASSES = "The hardest character stands at the top. A low mark with few test pictures may be chance."
READ_SERIES = (
    "Test pictures by the series of the true and of the answered character. Off the diagonal, characters of two series "
    "are taken for one another."
)


def main() -> None:
    books = library()
    st.title("Who is hard to recognise, and what helps?")
    finished = books.table[(books.table["status"] == "finished") & (books.table["task"] == "character")]
    columns = [name for name in (*METRICS, *TESTS) if name in finished]
    rows = over_seeds(finished, columns)
    _heads(finished[finished["study"] == "characters"])
    _tests(rows)
    _difficulty(books, rows)


def _heads(runs: pd.DataFrame) -> None:
    st.header("Does dropout in the head help?", divider="gray")
    columns = [name for name in METRICS if name in runs and runs[name].notna().any()]
    rows = over_seeds(runs, columns)
    if columns:
        with st.container(horizontal=True):
            shown = metric_of("Metric", columns)
            rows = over_seeds(in_one_setting(runs, ("scale",)), columns)
        st.markdown(_dropout_sentence(rows, shown.column))
        figure(pairs(rows, shown, "head", HEADS), f"Plain against dropout: {shown.name}", READ_HEADS, [shown])
    if not (rows["kind"] == MEASURED).any():
        nothing_yet("Our own runs of the same six models and EfficientNet-Lite0, mean ± sd over seeds.", COMMAND)


def _dropout_sentence(rows: pd.DataFrame, column: str) -> str:
    """What the dropout head changes, backbone by backbone."""
    one = metric(column)
    wide = rows.pivot_table(column, ["kind", "backbone"], "head", observed=True).dropna()
    if not {"plain", "dropout"} <= set(wide) or not len(wide):
        return ""
    gain = (wide["dropout"] - wide["plain"]) * (-1 if one.better == "lower" else 1)
    return f"The dropout head is better in {one.name} for {int((gain > 0).sum())} of {len(gain)} pairs."


def _tests(rows: pd.DataFrame) -> None:
    st.header("Do they still work on pictures from elsewhere?", divider="gray")
    tests = [metric(name) for name in TESTS if name in rows and rows[name].notna().any()]
    further = [test.column for test in tests[1:]]
    known = rows[rows[further].notna().any(axis=1)] if further else rows.iloc[:0]
    if not len(known):
        nothing_yet("Accuracy on the controlled test and on an internet-like one.", COMMAND)
        return
    for column in further:
        for kind in known["kind"].unique():
            if told := drop_between(known[known["kind"] == kind], TESTS[0], column):
                st.markdown(f"*{kind.capitalize()}:* {told}")
    title = "Controlled test against pictures from elsewhere"
    figure(two_tests(known.sort_values(TESTS[0]), tests), title, READ_TESTS, tests)


def _difficulty(books: Library, rows: pd.DataFrame) -> None:
    st.header("Which characters are hard?", divider="gray")
    measured = rows[rows["kind"] == MEASURED].to_dict("records")
    sides = {row["name"]: Side(row["name"], tuple(row["run_ids"].split())) for row in measured}
    shipped = set(rows.loc[rows["shipped"], "name"])
    if not sides:
        nothing_yet("F1 of every character.", COMMAND)
        return
    name = one_of("Model", sorted(sides, key=lambda name: name not in shipped), "model")
    values = class_values({name: records_of(books, sides[name])})
    if not len(values):
        st.caption(f"{name}: the record has no figures of single characters.")
        return
    figure(per_class(values), f"F1 of each character: {name}", READ_CLASSES)
    st.markdown(_hardest(values[name]))
    _series(books, sides[name])


def _hardest(values: pd.Series) -> str:
    ordered = values.sort_values()
    worst = ", ".join(f"{name} ({value:.2f})" for name, value in ordered.head(3).items())
    perfect = int((values >= 1).sum())
    return f"Hardest: {worst}. Of {perfect} of the {len(values)} characters every answer is right (F1 is 1)."


def _series(books: Library, side: Side) -> None:
    files = books.files(side.run_ids[0])
    series: Sequence[str] = files.labels().series if files else ()
    pairs_found = predictions_of(books, side, "test")
    if not pairs_found:
        st.caption(NO_PREDICTIONS.format(side.name))
        return
    if not any(series):
        st.caption(
            "The checkpoint does not tell the series of its characters, so confusions cannot be summed by series."
        )
        return
    counts, names = grouped_counts(confusion_of(pairs_found), [name or "unknown series" for name in series])
    wrong = counts.sum() - counts.trace()
    total = confusion_of(pairs_found)
    all_wrong = total.sum() - total.trace()
    if all_wrong:
        st.markdown(f"Mistakes within one series: {all_wrong - wrong:.0f} of {all_wrong:.0f}.")
    figure(confusion(counts, names), "Which series are taken for one another?", READ_SERIES)


main()
