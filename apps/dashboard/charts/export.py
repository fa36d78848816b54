"""What is in a figure, to take away: as a table, and as a page that needs no network."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.style import TEMPLATE

# The camera symbol of the saved page makes a drawing that stays sharp at any size.
CONFIG = {"displaylogo": False, "toImageButtonOptions": {"format": "svg"}}


def figure_table(figure: go.Figure) -> pd.DataFrame:
    """A row for each point, bar or cell: series, x, y, and where there are any z, low and high."""
    rows = [row for trace in figure.data for row in _rows(trace)]
    if not rows:
        return pd.DataFrame(columns=["series", "x", "y"])
    # Long names are broken into two lines for the eye alone.
    return pd.DataFrame(rows).dropna(axis="columns", how="all").replace("<br>", " ", regex=True)


def figure_page(figure: go.Figure, title: str) -> bytes:
    """A page of its own with the program that draws it."""
    copy = go.Figure(figure)
    copy.update_layout(template=TEMPLATE, title=title, margin_t=90)
    page: str = copy.to_html(include_plotlyjs=True, config=CONFIG)
    return page.encode()


def _rows(trace: Any) -> Iterable[dict[str, Any]]:
    name = trace.name or ""
    if trace.type == "heatmap":
        for y, line in zip(trace.y, np.asarray(trace.z, dtype=object), strict=True):
            yield from ({"series": name, "x": x, "y": y, "z": z} for x, z in zip(trace.x, line, strict=True))
        return
    xs, ys = ([] if values is None else list(values) for values in (trace.x, trace.y))
    for number, (x, y) in enumerate(zip(xs, ys, strict=True)):
        row = {"series": name, "x": x, "y": y}
        for axis, centre in (("error_x", x), ("error_y", y)):
            above = _at(trace[axis]["array"], number)
            if above is not None:
                below = _at(trace[axis]["arrayminus"], number)
                row |= {"low": centre - (above if below is None else below), "high": centre + above}
        yield row


def _at(values: Any, number: int) -> float | None:
    return None if values is None or np.isnan(values[number]) else float(values[number])
