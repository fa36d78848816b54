"""A dot with its interval for each row: the figure to compare numbers with."""

import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.style import BASE, LINE, axis_of, blank, wrapped
from apps.dashboard.frame import Figure, figures_of
from apps.dashboard.glossary import Metric, with_spread
from apps.dashboard.names import MEASURED, REPORTED
from apps.dashboard.palette import colour, symbol

SIDES = (MEASURED, REPORTED)


def dots(rows: pd.DataFrame, metric: Metric, label: str = "name") -> go.Figure:
    """A metric of each row, best first: filled where it was measured, hollow where it is reported.

    The bar is the 95% interval of a single run, or ± one standard deviation over seeds.

    Args:
        rows: as of `over_seeds` or `each_run`.
        metric: the column shown.
        label: the column that names the rows.
    """
    known = rows[rows[metric.column].notna()].sort_values(metric.column, ascending=metric.better != "lower")
    known = known.assign(line=[wrapped(name) for name in known[label]])
    drawn = blank(height=BASE + LINE * max(len(known), 1))
    for number, kind in enumerate(SIDES):
        part = known[known["kind"] == kind]
        figures = figures_of(part, metric.column)
        if not figures:
            continue
        spreads = [spread(figure, metric) for figure in figures]
        drawn.add_scatter(
            x=[figure.value for figure in figures],
            y=part["line"],
            mode="markers",
            name=kind,
            marker={
                "symbol": symbol(0, kind),
                "size": 11,
                "color": colour(number),
                "line": {"width": 2, "color": colour(number)},
            },
            error_x={
                "array": [above for _, above in spreads],
                "arrayminus": [below for below, _ in spreads],
                "color": colour(number),
                "thickness": 1.5,
                "width": 0,
            },
            hovertext=[
                f"{name}: {in_words(figure, metric)}" for name, figure in zip(part[label], figures, strict=True)
            ],
            hoverinfo="text",
        )
    drawn.update_xaxes(**axis_of(metric))
    drawn.update_yaxes(categoryorder="array", categoryarray=list(known["line"]), showgrid=True)
    return drawn


def spread(figure: Figure, metric: Metric | None = None) -> tuple[float, float]:
    """How far the bar of a figure reaches down and up; NaN where there is none.

    Where its metric is given and is a share, the bar ends at 0 and at 1.
    """
    if figure.sd != figure.sd:
        return figure.value - figure.low, figure.high - figure.value
    if metric is not None and metric.unit == "percent":
        return min(figure.sd, figure.value), min(figure.sd, 1 - figure.value)
    return figure.sd, figure.sd


def in_words(figure: Figure, metric: Metric) -> str:
    """A figure with its spread, and how many runs it is of."""
    text = with_spread(figure.value, metric.unit, figure.sd, (figure.low, figure.high))
    return f"{text}, {figure.runs} runs" if figure.runs > 1 else text
