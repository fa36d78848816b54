"""Rows of the table of records as they stand on the screen: figures with their spread, in words."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from apps.dashboard.frame import figures_of
from apps.dashboard.glossary import metric, with_spread
from apps.dashboard.names import FACTS, KINDS, REPORTED, TASKS, called, paper_table, short_paper
from apps.dashboard.show import meaning, table


def in_words(rows: pd.DataFrame, columns: Sequence[str], facts: Sequence[str] = ("dataset",)) -> pd.DataFrame:
    """A line for each row: model, kind, some facts, the metrics with their spread, and where they come from."""
    texts: dict[str, list[object]] = {
        "Model": list(rows["name"]),
        "Kind": [called(KINDS, kind) for kind in rows["kind"]],
    }
    for fact in facts:
        texts[called(FACTS, fact)] = [called(TASKS, text) if fact == "task" else text for text in rows[fact]]
    texts["Runs"] = list(rows["runs"])
    for column in columns:
        one, figures = metric(column), figures_of(rows, column)
        texts[one.name] = [with_spread(f.value, one.unit, f.sd, (f.low, f.high)) for f in figures]
    told = rows[["kind", "paper", "paper_table", "run_ids"]]
    texts["Source"] = [_source(row) for row in told.to_dict("records")]
    return pd.DataFrame(texts)


def column_help(columns: Sequence[str]) -> dict[str, Any]:
    """What each metric means, behind the head of its column."""
    return {metric(name).name: st.column_config.TextColumn(help=meaning(metric(name))) for name in columns}


def record_table(rows: pd.DataFrame, columns: Sequence[str], title: str) -> None:
    """A table of configurations with their metrics; the download holds the bare numbers."""
    table(in_words(rows, columns), title, raw=rows, column_config=column_help(columns))


def _source(row: dict[str, object]) -> str:
    if row["kind"] == REPORTED:
        return f"{short_paper(row['paper'])}, {paper_table(row['paper_table'])}"
    return str(row["run_ids"])
