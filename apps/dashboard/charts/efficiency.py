"""What accuracy costs."""

import itertools

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.dots import in_words
from apps.dashboard.charts.style import axis_of, blank, log_axis
from apps.dashboard.frame import figures_of
from apps.dashboard.glossary import Metric, written
from apps.dashboard.names import MEASURED, REPORTED
from apps.dashboard.palette import MUTED, colour, symbol

MANY = 8  # points on the front that are named in the figure


def on_front(costs: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Which points no other one dominates: at no higher cost it gains as much, or more in one of the two, bool ``[N]``.

    Of points with the same cost and gain, all or none stand on the front.
    """
    order = np.lexsort((-gains, costs))
    best = np.maximum.accumulate(gains[order])
    front = np.zeros(len(costs), dtype=bool)
    front[order] = np.append(True, best[1:] > best[:-1])[: len(order)]
    points = np.column_stack([costs, gains])
    same: np.ndarray = (points[:, None] == points[front][None]).all(axis=2).any(axis=1)
    return same


def pareto(rows: pd.DataFrame, cost: Metric, gain: Metric) -> go.Figure:
    """Every configuration by cost and gain; what another one dominates is grey."""
    known = rows[rows[cost.column].notna() & rows[gain.column].notna() & (rows[cost.column] > 0)]
    sign = -1 if gain.better == "lower" else 1
    known = known.assign(front=on_front(known[cost.column].to_numpy(), sign * known[gain.column].to_numpy()))
    known = known.sort_values(cost.column)
    drawn = blank(height=480)
    best = known[known["front"]]
    drawn.add_scatter(
        x=best[cost.column],
        y=best[gain.column],
        mode="lines",
        line={"color": colour(0), "width": 1.5, "shape": "hv", "dash": "dot"},
        name="the front",
        hoverinfo="skip",
    )
    for is_front in (False, True):
        for kind in (MEASURED, REPORTED):
            part = known[(known["front"] == is_front) & (known["kind"] == kind)]
            if len(part):
                _points(drawn, part, cost, gain, kind, is_front)
    if len(known):
        drawn.update_xaxes(**axis_of(cost) | log_axis(known[cost.column], cost.unit))
    drawn.update_yaxes(**axis_of(gain))
    return drawn


def _points(drawn: go.Figure, part: pd.DataFrame, cost: Metric, gain: Metric, kind: str, is_front: bool) -> None:
    words = [
        f"{name}<br>{gain.name} {in_words(figure, gain)}<br>{cost.name} {written(price, cost.unit)}"
        for name, figure, price in zip(part["name"], figures_of(part, gain.column), part[cost.column], strict=True)
    ]
    drawn.add_scatter(
        x=part[cost.column],
        y=part[gain.column],
        mode="markers+text" if is_front and len(part) <= MANY else "markers",
        text=[name.partition(",")[0] for name in part["name"]] if is_front else None,
        textposition=_beside(part[cost.column]),
        cliponaxis=False,
        name=f"{'on the front' if is_front else 'dominated'}, {kind}",
        marker={"symbol": symbol(0, kind), "size": 11 if is_front else 8, "color": colour(0) if is_front else MUTED},
        opacity=1 if is_front else 0.75,
        hovertext=words,
        hoverinfo="text",
    )


def _beside(costs: pd.Series) -> list[str]:
    """Where names stand: towards the middle, so that none runs out of the figure, above and below in turn."""
    middle = float(np.sqrt(costs.min() * costs.max()))
    places = zip(costs, itertools.cycle(("top", "bottom")), strict=False)
    return [f"{height} {'right' if cost <= middle else 'left'}" for cost, height in places]
