"""Generators compared."""

import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.style import axis_of, blank, log_axis
from apps.dashboard.glossary import Metric
from apps.dashboard.palette import colour, dash, symbol

LEARNING_RATE = "recipe.generator_lr"


def learning_rates(rows: pd.DataFrame, metric: Metric) -> go.Figure:
    """A metric over the learning rate, a line for each data set and recipe; ± one standard deviation over seeds."""
    drawn = blank(height=380)
    known = rows[rows[metric.column].notna() & rows[LEARNING_RATE].notna()]
    spread = f"{metric.column}:sd"
    groups = known.groupby(["dataset", "recipe", "scale"], observed=True, dropna=False, sort=True)
    for number, (names, part) in enumerate(groups):
        line = part.sort_values(LEARNING_RATE)
        drawn.add_scatter(
            x=line[LEARNING_RATE],
            y=line[metric.column],
            mode="lines+markers",
            name=", ".join(str(name) for name in names if isinstance(name, str)),
            line={"color": colour(number), "dash": dash(number)},
            marker={"symbol": symbol(number), "size": 9},
            error_y={"array": line[spread]} if spread in line and line[spread].notna().any() else None,
        )
    if len(known):
        drawn.update_xaxes(**log_axis(known[LEARNING_RATE], "number"))
    drawn.update_xaxes(title_text="Learning rate (of the generator)")
    drawn.update_yaxes(**axis_of(metric))
    return drawn
