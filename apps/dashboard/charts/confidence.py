"""How far confidences can be trusted."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from anime_models.records import ReliabilityBin
from apps.dashboard.charts.style import BASE, LINE, blank, wrapped
from apps.dashboard.palette import COLOURS, MUTED, colour, dash, symbol

PERCENT = {"tickformat": ".1~%"}
BEFORE, AFTER, CHANCE = "calibration.before.ece", "calibration.after.ece", "test/ece_by_chance"


def reliability(sides: Mapping[str, Sequence[ReliabilityBin]]) -> go.Figure:
    """Share that was right against confidence; points on the diagonal mean what they say. Larger ones count more."""
    drawn = blank(height=420)
    drawn.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dash", "color": MUTED},
        name="means what it says",
        hoverinfo="skip",
    )
    for number, (name, bins) in enumerate(sides.items()):
        filled = [bar for bar in bins if bar.count and bar.confidence is not None and bar.accuracy is not None]
        largest = max((bar.count for bar in filled), default=1)
        drawn.add_scatter(
            x=[bar.confidence for bar in filled],
            y=[bar.accuracy for bar in filled],
            mode="lines+markers",
            name=name,
            line={"color": colour(number), "dash": dash(number), "width": 1.5},
            marker={"symbol": symbol(number), "size": [6 + 14 * (bar.count / largest) ** 0.5 for bar in filled]},
            hovertext=[
                f"{name}: {bar.count} pictures at {bar.confidence:.0%}, {bar.accuracy:.0%} right" for bar in filled
            ],
            hoverinfo="text",
        )
    drawn.update_xaxes(title_text="Confidence", range=[-0.02, 1.04], **PERCENT)
    drawn.update_yaxes(title_text="Share that was right", range=[-0.02, 1.04], **PERCENT)
    return drawn


def before_after(rows: pd.DataFrame) -> go.Figure:
    """Calibration error before (hollow) and after (filled) temperature scaling, and what chance alone would show."""
    known = rows[rows[AFTER].notna()].sort_values(AFTER, ascending=False)
    names = [wrapped(name) for name in known["name"]]
    drawn = blank(height=BASE + LINE * max(len(names), 1))
    if f"{CHANCE}:low" in known:
        for name, low, high in zip(names, known[f"{CHANCE}:low"], known[f"{CHANCE}:high"], strict=True):
            drawn.add_scatter(
                x=[low, high],
                y=[name, name],
                mode="lines",
                line={"color": MUTED, "width": 12},
                opacity=0.35,
                name="chance alone",
                legendgroup="chance",
                showlegend=name == names[0],
                hoverinfo="skip",
            )
    for column, label, look in (
        (BEFORE, "before", {"symbol": "circle-open", "color": COLOURS[1], "line": {"width": 2}}),
        (AFTER, "after", {"symbol": "circle", "color": COLOURS[0]}),
    ):
        spread = {"array": known[f"{column}:sd"], "width": 0} if f"{column}:sd" in known else None
        mark = {**look, "size": 11}
        drawn.add_scatter(x=known[column], y=names, mode="markers", name=label, marker=mark, error_x=spread)
    drawn.update_xaxes(title_text="Expected calibration error<br>(lower is better)", rangemode="tozero")
    drawn.update_yaxes(categoryorder="array", categoryarray=names)
    return drawn


def risk_coverage(sides: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> go.Figure:
    """Share of wrong answers against the share of pictures answered, most confident first.

    Args:
        sides: coverage and risk of each, as of `anime_models.metrics.risk_coverage`.
    """
    drawn = blank(height=380)
    for number, (name, (coverage, risk)) in enumerate(sides.items()):
        look = {"color": colour(number), "dash": dash(number), "width": 2}
        drawn.add_scatter(x=coverage, y=risk, mode="lines", name=name, line=look)
    drawn.update_xaxes(title_text="Share of pictures that get an answer", range=[0, 1.02], **PERCENT)
    drawn.update_yaxes(title_text="Wrong answers among them<br>(lower is better)", rangemode="tozero", **PERCENT)
    return drawn


def set_sizes(sides: Mapping[str, tuple[np.ndarray, np.ndarray]], shipped: pd.DataFrame) -> go.Figure:
    """Labels in a set against how often it holds the right one; the shipped settings as large marks.

    Args:
        sides: coverage and mean set size over thresholds.
        shipped: rows with ``test/shown_set_coverage`` and ``test/shown_set_size``.
    """
    drawn = blank(height=380)
    for number, (name, (coverage, size)) in enumerate(sides.items()):
        look = {"color": colour(number), "dash": dash(number), "width": 2}
        drawn.add_scatter(x=coverage, y=size, mode="lines", name=name, line=look)
    order = list(sides)
    for row in shipped.to_dict("records"):
        number = order.index(row["name"]) if row["name"] in order else len(order)
        drawn.add_scatter(
            x=[row["test/shown_set_coverage"]],
            y=[row["test/shown_set_size"]],
            mode="markers",
            name=f"{row['name']}, as stored",
            marker={"symbol": symbol(number), "size": 13, "color": colour(number), "line": {"width": 1}},
        )
    drawn.update_xaxes(title_text="How often the set holds the right label", range=[0, 1.02], **PERCENT)
    drawn.update_yaxes(title_text="Labels in the set (fewer say more)", rangemode="tozero")
    return drawn


def classwise(errors: pd.DataFrame) -> go.Figure:
    """Calibration error of each class's own probability; a column for each side, a row for each class."""
    order = errors.mean(axis=1).sort_values().index
    drawn = blank(height=BASE + LINE * len(errors))
    for number, side in enumerate(errors.columns):
        drawn.add_scatter(
            x=errors.loc[order, side],
            y=list(order),
            mode="markers",
            name=side,
            marker={"symbol": symbol(number), "color": colour(number), "size": 10},
        )
    drawn.update_xaxes(title_text="Calibration error of the class<br>(lower is better)", rangemode="tozero")
    drawn.update_yaxes(categoryorder="array", categoryarray=list(order))
    return drawn
