"""Choices that stand in the address of a page, so that a link shows what its sender saw."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from apps.dashboard.frame import data_names, options
from apps.dashboard.glossary import Metric, metric
from apps.dashboard.names import FACT_HELP, FACTS, MEASURED, REPORTED, called
from apps.dashboard.sentences import comparable

TRIAL = ", smoke"


def record_filters(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, list[str]]:
    """A field for each column, in which any number of values can be chosen."""
    chosen: dict[str, list[str]] = {}
    with st.container(horizontal=True):
        for column in columns:
            chosen[column] = st.multiselect(
                called(FACTS, column),
                options(table, column),
                key=column,
                bind="query-params",
                placeholder="all",
                help=FACT_HELP.get(column),
                width=195,
            )
    return chosen


def one_of(
    label: str, choices: Sequence[str], key: str, names: Mapping[str, str] | None = None, help_text: str | None = None
) -> str:
    """One of a few values, the first by default.

    The address keeps what is called ``names[choice]`` on the screen.
    """
    shown = names or {}
    picked = st.selectbox(
        label,
        list(choices),
        key=key,
        bind="query-params",
        format_func=lambda choice: shown.get(choice, choice),
        help=help_text,
        width=280,
    )
    return str(picked)


def of_one_data_set(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows on the data set that is chosen; at first the one that most can be compared on."""
    names = data_names(rows)
    choices = dict.fromkeys([*names[comparable(rows).index[:1]], *names])
    chosen = one_of("Data", list(choices), "data", help_text=FACT_HELP["dataset"])
    return rows[names == chosen]


def in_one_setting(rows: pd.DataFrame, facts: Sequence[str]) -> pd.DataFrame:
    """All reported rows, and the measured ones of one setting: of one data set, and alike in some facts.

    Where there are several settings, one is chosen: at first the most frequent one, trials last.
    """
    measured = rows[rows["kind"] == MEASURED]
    described = data_names(measured)
    for fact in facts:
        described = described + ", " + measured[fact].astype("object").fillna("—")
    choices = sorted(described.value_counts().index, key=lambda text: TRIAL in text)
    if len(choices) > 1:
        words = ", ".join(["data", *(called(FACTS, fact).lower() for fact in facts)])
        measured = measured[described == one_of(f"Measured with ({words})", choices, "setting")]
    return pd.concat([measured, rows[rows["kind"] == REPORTED]])


def metric_of(label: str, columns: Sequence[str], key: str = "metric") -> Metric:
    """One of some metrics, with what it means at hand."""
    known = {metric(column).name: metric(column) for column in columns}
    explained = "\n".join(f"- **{name}**: {one.help}" for name, one in known.items())
    name = st.selectbox(label, list(known), key=key, bind="query-params", help=explained, width=280)
    return known[str(name)]
