"""The study of characters: two heads, and two tests."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.dots import in_words, spread
from apps.dashboard.charts.style import BASE, LINE, axis_of, blank, wrapped
from apps.dashboard.frame import figures_of
from apps.dashboard.glossary import Metric
from apps.dashboard.names import BACKBONES, HEADS, SPLITS, called
from apps.dashboard.palette import MUTED, colour, symbol


def pairs(rows: pd.DataFrame, metric: Metric, by: str, order: Sequence[str]) -> go.Figure:
    """Two marks on a line for each backbone: one for each value of ``by`` (such as the head)."""
    known = rows[rows[metric.column].notna()]
    lines = [wrapped(f"{called(BACKBONES, row['backbone'])}, {row['kind']}") for row in known.to_dict("records")]
    known = known.assign(line=lines).sort_values(["kind", "backbone"], ascending=False)
    drawn = blank(height=BASE + LINE * max(known["line"].nunique(), 1))
    for line, part in known.groupby("line", sort=False):
        _connection(drawn, [part[metric.column].min(), part[metric.column].max()], str(line))
    for number, value in enumerate(order):
        for kind, part in known[known[by] == value].groupby("kind", observed=True):
            _marks(drawn, part, metric, f"{called(HEADS, value)}, {kind}", number, str(kind))
    drawn.update_xaxes(**axis_of(metric))
    return drawn


def two_tests(rows: pd.DataFrame, tests: Sequence[Metric]) -> go.Figure:
    """The same figure on several tests (controlled, internet-like), a line for each configuration."""
    rows = rows.assign(line=[wrapped(name) for name in rows["name"]])
    drawn = blank(height=BASE + LINE * max(len(rows), 1))
    for row in rows.to_dict("records"):
        values = [row[test.column] for test in tests if row.get(test.column) == row.get(test.column)]
        _connection(drawn, [min(values), max(values)], row["line"])
    for number, test in enumerate(tests):
        for kind, part in rows[rows[test.column].notna()].groupby("kind", observed=True):
            split = test.column.partition("/")[0]
            _marks(drawn, part, test, f"{called(SPLITS, split)}, {kind}", number, str(kind))
    drawn.update_xaxes(**axis_of(tests[0]))
    return drawn


def _connection(drawn: go.Figure, ends: Sequence[float], line: str) -> None:
    drawn.add_scatter(
        x=ends,
        y=[line, line],
        mode="lines",
        line={"color": MUTED, "width": 3},
        opacity=0.5,
        showlegend=False,
        hoverinfo="skip",
    )


def _marks(drawn: go.Figure, part: pd.DataFrame, metric: Metric, name: str, number: int, kind: str) -> None:
    figures = figures_of(part, metric.column)
    drawn.add_scatter(
        x=[figure.value for figure in figures],
        y=part["line"],
        mode="markers",
        name=name,
        marker={
            "symbol": symbol(number, kind),
            "color": colour(number),
            "size": 12,
            "line": {"width": 2, "color": colour(number)},
        },
        error_x={
            "array": [spread(figure, metric)[1] for figure in figures],
            "arrayminus": [spread(figure, metric)[0] for figure in figures],
            "color": colour(number),
            "width": 0,
        },
        hovertext=[f"{name}: {in_words(figure, metric)}" for figure in figures],
        hoverinfo="text+y",
    )
