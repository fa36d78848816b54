"""Choices that stand in the address of a page, so that a link shows what its sender saw."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from apps.dashboard.frame import options
from apps.dashboard.glossary import Metric, metric
from apps.dashboard.names import FACT_HELP, FACTS, called


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


def metric_of(label: str, columns: Sequence[str], key: str = "metric") -> Metric:
    """One of some metrics, with what it means at hand."""
    known = {metric(column).name: metric(column) for column in columns}
    explained = "\n".join(f"- **{name}**: {one.help}" for name, one in known.items())
    name = st.selectbox(label, list(known), key=key, bind="query-params", help=explained, width=280)
    return known[str(name)]
