"""The look that all figures share; text colours are the page's."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.glossary import Metric, Unit, short
from apps.dashboard.palette import GRID

FONT = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, Liberation Sans, sans-serif"
TEMPLATE = "plotly_white"
# Space for a legend, an axis and its title, and for a line of text, in pixels.
BASE, LINE = 160, 38
LOG_MARGIN = 0.03  # of a logarithmic axis, in powers of ten, so that its first and last mark are not cut
LONG = 22  # letters of a name that still stands in one line


def blank(height: int = 380, **layout: Any) -> go.Figure:
    """A figure without content, on white; pages replace the template by their own."""
    figure = go.Figure()
    figure.update_layout(
        template=TEMPLATE,
        height=height,
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        font={"family": FONT, "size": 13},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        hoverlabel={"namelength": -1},
        dragmode=False,
    )
    figure.update_xaxes(automargin=True, gridcolor=GRID, zeroline=False)
    figure.update_yaxes(automargin=True, gridcolor=GRID, zeroline=False)
    figure.update_layout(**layout)
    return figure


def axis_of(metric: Metric) -> dict[str, Any]:
    """An axis for a metric: its name, which way is better, and percent where it is a share."""
    arrow = {"higher": "<br>(higher is better)", "lower": "<br>(lower is better)"}.get(metric.better or "", "")
    unit = {"milliseconds": " in ms", "seconds": " in seconds", "megabytes": " in MB"}.get(metric.unit, "")
    ticks = {"tickformat": ".1~%"} if metric.unit == "percent" else {}
    return {"title_text": f"{metric.name}{unit}{arrow}", **ticks}


def wrapped(name: str) -> str:
    """A long name in two lines, broken near its middle, so that figures keep room on narrow screens."""
    if len(name) <= LONG:
        return name
    places = [number for number, letter in enumerate(name) if letter == " "]
    if not places:
        return name
    middle = min(places, key=lambda place: abs(place - len(name) / 2))
    return f"{name[:middle]}<br>{name[middle + 1 :]}"


def log_axis(values: pd.Series, unit: Unit) -> dict[str, Any]:
    """A logarithmic axis over some values, with marks at 1, 2 and 5 of each power of ten, written with their unit.

    It reaches from the mark below the values to the mark above them, so that it has at least two.
    """
    low, high = float(values.min()), float(values.max())
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    marks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    first = max(mark for mark in marks if mark < low)
    last = min(mark for mark in marks if mark > high)
    shown = [mark for mark in marks if first <= mark <= last]
    return {
        "type": "log",
        "range": [math.log10(first) - LOG_MARGIN, math.log10(last) + LOG_MARGIN],
        "tickvals": shown,
        "ticktext": [short(mark, unit) for mark in shown],
    }


def hatched(kind: str, colour: str, hatches: Mapping[str, str]) -> dict[str, Any]:
    """A bar's marker: filled, or hatched over a clear ground where the figure is reported."""
    shape = hatches.get(kind, "")
    marker: dict[str, Any] = {"color": colour, "line": {"color": colour, "width": 1.5}}
    if shape:
        marker["pattern"] = {"shape": shape, "fillmode": "replace", "fgcolor": colour, "size": 6}
    return marker
