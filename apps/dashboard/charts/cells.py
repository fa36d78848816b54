"""Texts in the cells of heat maps, which can be read on every colour."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from apps.dashboard.palette import ink_on

Scale = str | list[list[float | str]]


def write_cells(drawn: go.Figure, scale: Scale, **font: Any) -> None:
    """Write the texts of a figure's heat map into its cells, in black or in white, whichever stands out more.

    Plotly's own choice is dark grey or white, which is faint on colours of middle brightness.

    Args:
        drawn: a figure whose first trace is the heat map; its texts stay for what is told of a cell pointed at.
        scale: the colours of the map.
        font: further properties of the font.
    """
    cells = drawn.data[0]
    values = np.array([[np.nan if value is None else value for value in line] for line in cells.z], dtype=float)
    known = np.argwhere(~np.isnan(values))
    if not len(known):
        return
    low = np.nanmin(values) if cells.zmin is None else cells.zmin
    high = np.nanmax(values) if cells.zmax is None else cells.zmax
    shares = np.clip((values - low) / ((high - low) or 1), 0, 1)
    if cells.reversescale:
        shares = 1 - shares
    shades = sample_colorscale(scale, [float(shares[tuple(place)]) for place in known], colortype="tuple")
    drawn.update_layout(
        annotations=[
            {
                "x": cells.x[column],
                "y": cells.y[row],
                "text": cells.text[row][column],
                "showarrow": False,
                "font": {"color": ink_on(shade), **font},
            }
            for (row, column), shade in zip(known, shades, strict=True)
            if cells.text[row][column]
        ]
    )
