"""How do runs compare? All of them in a table; those that are picked side by side below it."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from apps.dashboard.filters import record_filters
from apps.dashboard.frame import FILTERS, each_run, filtered, numbers, over_seeds
from apps.dashboard.glossary import metric
from apps.dashboard.library import Library, library
from apps.dashboard.rows import column_help, in_words
from apps.dashboard.show import MISSING, csv_button
from apps.dashboard.side_by_side import side_by_side
from apps.dashboard.sides import MOST_SIDES, sides_of

DEFAULT_COLUMNS = (
    "test/accuracy",
    "test/macro_f1",
    "calibration.after.ece",
    "timing.inference_ms.p50",
    "model.num_parameters",
    "timing.total_seconds",
)
FEW_FILTERS = ("task", "kind", "study", "backbone", "strategy")
MOST_ROWS = 500
SHOWN_FACTS = ("task", "dataset", "status")
RUNS, TICKS = "runs", "ticks"


def main() -> None:
    books = library()
    st.title("How do runs compare?")
    if not len(books.table):
        st.info("There is no record yet to compare.")
        return
    chosen = record_filters(books.table, FEW_FILTERS)
    with st.popover("More filters", icon=":material/filter_alt:"):
        chosen |= record_filters(books.table, [column for column in FILTERS if column not in FEW_FILTERS])
    rows = filtered(books.table, chosen)
    if not len(rows):
        st.info("No run has all of that. Take a filter away.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by_configuration = st.toggle(
            "Mean ± sd over seeds",
            value=True,
            key="grouped",
            bind="query-params",
            help="One line for all runs that only their seeds tell apart; ± is the standard deviation of a sample.",
        )
        columns = _columns(rows)
        ordered = _ordered((over_seeds if by_configuration else each_run)(rows, columns), columns)
    picked = _pick(books, ordered, columns, len(rows))
    sides = sides_of(books.table, picked, by_configuration)
    if sides:
        side_by_side(books, sides)
    else:
        st.info("Tick rows of the table to see them side by side: metrics, settings, curves, confusions, confidences.")


def _columns(rows: pd.DataFrame) -> list[str]:
    known = {metric(name).name: name for name in numbers(rows)}
    default = [metric(name).name for name in DEFAULT_COLUMNS if metric(name).name in known]
    with st.popover("Columns", icon=":material/view_column:"):
        names = st.multiselect("Columns", list(known), default, key="columns", bind="query-params")
    return [known[name] for name in names]


def _ordered(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The rows in the chosen order."""
    if not columns:
        return rows
    known = {metric(name).name: metric(name) for name in columns}
    name = st.selectbox("Sorted by", list(known), key="sort", bind="query-params", width=230)
    by = known[str(name)]
    worst_first = st.toggle("Worst first", key="worst", bind="query-params")
    return rows.sort_values(by.column, ascending=(by.better == "lower") != worst_first, kind="stable")


def _pick(books: Library, rows: pd.DataFrame, columns: Sequence[str], num_runs: int) -> list[str]:
    """The table, and the runs that are ticked in it or named in the address."""
    shown = rows.head(MOST_ROWS)
    ids = [text.split() for text in shown["run_ids"]]
    wanted = st.session_state.get(RUNS) or st.query_params.get_all(RUNS)
    picked = [run_id for run_id in wanted if books.path(run_id) is not None]
    ticked = [number for number, some in enumerate(ids) if set(some) <= set(picked)]
    st.session_state[TICKS] = {"selection": {"rows": ticked, "columns": [], "cells": []}}
    lines = f"{len(rows):,} configurations of {num_runs:,} runs" if rows["runs"].max() > 1 else f"{len(rows):,} runs"
    more = f"; the first {MOST_ROWS} are shown, the download has all" if len(rows) > MOST_ROWS else ""
    st.markdown(f"{lines}{more}.")
    st.dataframe(
        in_words(shown, columns, SHOWN_FACTS),
        hide_index=True,
        key=TICKS,
        on_select=lambda: _tick(ids),
        selection_mode="multi-row",
        placeholder=MISSING,
        alt="Runs",
        column_config=column_help(columns),
    )
    csv_button("Download the table (CSV)", lambda: rows, "runs")
    choice = list(dict.fromkeys([*picked, *(run_id for some in ids[:50] for run_id in some)]))
    return st.multiselect(
        "Side by side",
        choice,
        key=RUNS,
        bind="query-params",
        placeholder="tick rows above, or choose runs here",
        help=f"Up to {MOST_SIDES} are drawn beside each other.",
    )


def _tick(ids: Sequence[Sequence[str]]) -> None:
    """Take over what was ticked; runs that the table does not show stay."""
    listed = {run_id for some in ids for run_id in some}
    kept = [run_id for run_id in st.session_state.get(RUNS, []) if run_id not in listed]
    ticked = st.session_state[TICKS]["selection"]["rows"]
    st.session_state[RUNS] = kept + [run_id for number in ticked for run_id in ids[number]]


main()
