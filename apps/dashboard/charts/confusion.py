"""What is taken for what, and how hard each class is."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.cells import Scale, write_cells
from apps.dashboard.charts.style import BASE, LINE, blank
from apps.dashboard.names import MEASURED
from apps.dashboard.palette import DIVERGING, SEQUENTIAL, colour, symbol

FEW = 12  # classes whose names stand below the map as they are


def confusion(counts: np.ndarray, names: Sequence[str]) -> go.Figure:
    """A confusion matrix ``[C, C]``: lines are true classes, columns predicted ones, colours shares of the line."""
    texts = [[f"{count:.1f}".removesuffix(".0") if count else "" for count in line] for line in counts]
    drawn = _map(_shares(counts), texts, names, SEQUENTIAL, zmin=0, zmax=1)
    drawn.update_traces(
        customdata=np.array(texts), hovertemplate="%{y}, taken for %{x}: %{z:.0%} (%{customdata})<extra></extra>"
    )
    return drawn


def confusion_difference(first: np.ndarray, second: np.ndarray, names: Sequence[str]) -> go.Figure:
    """Share of each true class that the second takes for each class, less that of the first."""
    difference = _shares(second) - _shares(first)
    texts = [[f"{value * 100:+.0f}" if abs(value) >= 0.005 else "" for value in line] for line in difference]
    limit = max(float(np.abs(difference).max()), 0.01)
    drawn = _map(difference, texts, names, DIVERGING, zmin=-limit, zmax=limit)
    drawn.update_traces(hovertemplate="%{y}, taken for %{x}: %{z:+.1%}<extra></extra>")
    return drawn


def per_class(values: pd.DataFrame) -> go.Figure:
    """A figure such as F1 of each class, for some sides; the hardest class first.

    Args:
        values: a row for each class, a column for each side, and for each side maybe ``side:sd``.
    """
    sides = [name for name in values.columns if not name.endswith(":sd")]
    order = values[sides].mean(axis=1).sort_values(ascending=False).index
    drawn = blank(height=BASE + LINE * len(values))
    for number, side in enumerate(sides):
        spread = f"{side}:sd"
        drawn.add_scatter(
            x=values.loc[order, side],
            y=list(order),
            mode="markers",
            name=side,
            marker={"symbol": symbol(number, MEASURED), "color": colour(number), "size": 10},
            error_x={"array": values.loc[order, spread], "color": colour(number)} if spread in values else None,
        )
    drawn.update_xaxes(title_text="F1 (higher is better)", range=[-0.02, 1.02])
    drawn.update_yaxes(categoryorder="array", categoryarray=list(order))
    return drawn


def grouped_counts(counts: np.ndarray, groups: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """A confusion matrix of classes as one of their groups (series), ``[G, G]``, and the groups' names."""
    names = tuple(dict.fromkeys(groups))
    member = np.array([[group == name for group in groups] for name in names], dtype=float)
    return member @ counts @ member.T, names


def _shares(counts: np.ndarray) -> np.ndarray:
    """Counts as shares of their line; 0 in a line without any."""
    totals = counts.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    return shares


def _map(
    values: np.ndarray, texts: Sequence[Sequence[str]], names: Sequence[str], scale: Scale, **ends: float
) -> go.Figure:
    size = 34 if len(names) <= FEW else 24
    drawn = blank(height=170 + size * len(names))
    drawn.add_heatmap(
        x=list(names),
        y=list(names),
        z=values,
        text=texts,
        colorscale=scale,
        showscale=False,
        xgap=1,
        ygap=1,
        name="share",
        **ends,
    )
    write_cells(drawn, scale)
    drawn.update_xaxes(title_text="Taken for", tickangle=-45, showgrid=False)
    drawn.update_yaxes(title_text="Truth", autorange="reversed", showgrid=False)
    return drawn
