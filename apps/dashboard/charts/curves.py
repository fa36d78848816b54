"""Lines over epochs, seconds or amounts of data."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.style import axis_of, blank
from apps.dashboard.glossary import Metric, metric
from apps.dashboard.names import AUGMENTATIONS, called
from apps.dashboard.palette import colour, dash, faded, symbol

Epochs = Sequence[Mapping[str, float]]
BAND = 0.18  # opacity of ± one standard deviation


def figures_over_epochs(runs: Mapping[str, Sequence[Epochs]]) -> list[str]:
    """The figures that ``metrics.jsonl`` holds, in its order, without what only counts."""
    names = (name for sides in runs.values() for epochs in sides for line in epochs for name in line)
    return [name for name in dict.fromkeys(names) if "/" in name]


def over_training(runs: Mapping[str, Sequence[Epochs]], figure: str, by_seconds: bool = False) -> go.Figure:
    """One figure of ``metrics.jsonl`` over epochs, or over seconds of training.

    Several runs of one side are their mean with a band of ± one standard deviation, epoch by epoch.

    Args:
        runs: for each side, the lines of each of its runs.
        figure: its name in the lines, such as ``validation/loss``.
        by_seconds: whether the lower axis is time.
    """
    drawn = blank(height=360)
    for number, (name, sides) in enumerate(runs.items()):
        points = [_points(epochs, figure, by_seconds) for epochs in sides]
        table = _side_by_side([one for one in points if len(one)])
        if not len(table):
            continue
        if table.shape[1] > 2:
            _band(drawn, table, colour(number))
        drawn.add_scatter(
            x=table[:, 0],
            y=np.nanmean(table[:, 1:], axis=1),
            mode="lines+markers",
            name=name,
            line={"color": colour(number), "dash": dash(number), "width": 2},
            marker={"symbol": symbol(number), "size": 6},
        )
    drawn.update_xaxes(title_text="Seconds of training" if by_seconds else "Epoch, counted from 1")
    drawn.update_yaxes(title_text=metric(figure).name)
    return drawn


def amounts(rows: pd.DataFrame, shown: Metric, over: Metric) -> go.Figure:
    """A metric of each method over an amount (training pictures, share of generated ones)."""
    drawn = blank(height=360)
    known = rows[rows[shown.column].notna() & rows[over.column].notna()]
    for number, (method, part) in enumerate(known.groupby("augmentation", observed=True, sort=True)):
        for kind, some in part.groupby("kind", observed=True):
            line = some.sort_values(over.column)
            spread = f"{shown.column}:sd"
            drawn.add_scatter(
                x=line[over.column],
                y=line[shown.column],
                mode="lines+markers",
                name=f"{called(AUGMENTATIONS, method)}, {kind}",
                line={"color": colour(number), "dash": dash(number)},
                marker={"symbol": symbol(number, str(kind)), "size": 9},
                error_y={"array": line[spread]} if spread in line else None,
            )
    drawn.update_xaxes(title_text=over.name)
    drawn.update_yaxes(**axis_of(shown))
    return drawn


def _points(epochs: Epochs, figure: str, by_seconds: bool) -> np.ndarray:
    """``[N, 2]``: where along the lower axis, and the figure."""
    seconds = np.cumsum([line.get("seconds", 0.0) for line in epochs])
    points = [
        (seconds[number] if by_seconds else number + 1, line[figure])
        for number, line in enumerate(epochs)
        if figure in line
    ]
    return np.array(points, dtype=float).reshape(-1, 2)


def _side_by_side(runs: Sequence[np.ndarray]) -> np.ndarray:
    """``[N, 1 + R]``: the mean place of each epoch, and the figure of each run, NaN after its end."""
    if not runs:
        return np.empty((0, 2))
    length = max(map(len, runs))
    padded = np.full((len(runs), length, 2), np.nan)
    for number, run in enumerate(runs):
        padded[number, : len(run)] = run
    return np.column_stack([np.nanmean(padded[:, :, 0], axis=0), *padded[:, :, 1]])


def _band(drawn: go.Figure, table: np.ndarray, shade: str) -> None:
    counts = (~np.isnan(table[:, 1:])).sum(axis=1)
    some = table[counts > 1]
    mean, sd = np.nanmean(some[:, 1:], axis=1), np.nanstd(some[:, 1:], axis=1, ddof=1)
    drawn.add_scatter(
        x=np.concatenate([some[:, 0], some[::-1, 0]]),
        y=np.concatenate([mean + sd, (mean - sd)[::-1]]),
        fill="toself",
        fillcolor=faded(shade, BAND),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )
