"""Figures from records: pure functions that return plotly figures. Text colours come from the page's style sheet."""

from collections.abc import Sequence

import plotly.graph_objects as go

from anime_models.records import ReliabilityBin
from apps.demo.wording import bin_of, percent

BAR_COLOUR = "rgba(124, 131, 160, 0.55)"
MARKED_COLOUR = "#7c5cfc"
MARKED_TINT = "rgba(124, 92, 252, 0.18)"
LINE_COLOUR = "rgba(124, 131, 160, 0.9)"
GRID_COLOUR = "rgba(124, 131, 160, 0.25)"
CLEAR = "rgba(0, 0, 0, 0)"


def reliability_figure(bins: Sequence[ReliabilityBin], confidence: float | None = None) -> go.Figure:
    """Accuracy against confidence on the test faces, with the bar of one prediction marked.

    Args:
        bins: the reliability diagram of a record.
        confidence: of the prediction, in [0, 1]; None marks nothing.
    """
    marked = None if confidence is None else bin_of(bins, confidence)
    filled = [bar for bar in bins if bar.count and bar.accuracy is not None]
    figure = go.Figure()
    figure.add_bar(
        x=[(bar.lower + bar.upper) / 2 for bar in filled],
        y=[bar.accuracy for bar in filled],
        width=[(bar.upper - bar.lower) * 0.92 for bar in filled],
        marker={"color": [MARKED_COLOUR if bar is marked else BAR_COLOUR for bar in filled]},
        hovertext=[_bar_in_words(bar) for bar in filled],
        hoverinfo="text",
        name="test faces",
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dash", "color": LINE_COLOUR, "width": 1.5},
        hoverinfo="skip",
        name="confidence = share right",
    )
    if confidence is not None and marked is not None:
        # A bar of few faces can be of no height, so its whole column is tinted.
        figure.add_vrect(x0=marked.lower, x1=marked.upper, fillcolor=MARKED_TINT, line_width=0, layer="below")
        figure.add_scatter(
            x=[confidence, confidence],
            y=[0, 1],
            mode="lines",
            line={"color": MARKED_COLOUR, "width": 2},
            hoverinfo="skip",
            name=f"this answer, {percent(confidence)}",
        )
    _lay_out(figure)
    return figure


def _bar_in_words(bar: ReliabilityBin) -> str:
    return f"{bar.lower:.0%} to {bar.upper:.0%}: {bar.count:,} faces, {percent(bar.accuracy or 0)} right"


def _lay_out(figure: go.Figure) -> None:
    axis = {
        "range": [0, 1.02],
        "tickformat": ".0%",
        "tickvals": [0, 0.25, 0.5, 0.75, 1],
        "gridcolor": GRID_COLOUR,
        "zeroline": False,
        "fixedrange": True,
        "title_standoff": 12,
        "ticklabelstandoff": 6,
    }
    figure.update_layout(
        template="none",
        height=320,
        margin={"l": 72, "r": 16, "t": 8, "b": 56},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        bargap=0,
        font={"family": "system-ui, sans-serif", "size": 13},
        showlegend=False,
        dragmode=False,
    )
    figure.update_xaxes(title_text="Confidence", **axis)
    figure.update_yaxes(title_text="Share that was right", **axis)
