"""Generators compared."""

import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.style import axis_of, blank, log_axis
from apps.dashboard.frame import PICTURES
from apps.dashboard.glossary import Metric
from apps.dashboard.palette import colour, dash, symbol

LEARNING_RATE, EPOCHS = "recipe.generator_lr", "recipe.epochs"


def learning_rates(rows: pd.DataFrame, metric: Metric) -> go.Figure:
    """A metric over the learning rate, a line for each setting in which rates are compared; ± one standard deviation.

    Settings are data set, recipe, scale, number of pictures and of epochs.
    """
    drawn = blank(height=380)
    known = rows[rows[metric.column].notna() & rows[LEARNING_RATE].notna()]
    spread = f"{metric.column}:sd"
    groups = known.groupby(["dataset", "recipe", "scale", PICTURES, EPOCHS], observed=True, dropna=False, sort=True)
    compared = [(names, part) for names, part in groups if part[LEARNING_RATE].nunique() > 1]
    for number, ((*names, pictures, epochs), part) in enumerate(compared):
        line = part.sort_values(LEARNING_RATE)
        size = f"{pictures:,.0f} pictures, {epochs:.0f} epochs"
        drawn.add_scatter(
            x=line[LEARNING_RATE],
            y=line[metric.column],
            mode="lines+markers",
            name=", ".join([*(str(name) for name in names if isinstance(name, str)), size]),
            line={"color": colour(number), "dash": dash(number)},
            marker={"symbol": symbol(number), "size": 9},
            error_y={"array": line[spread]} if spread in line and line[spread].notna().any() else None,
        )
    if compared:
        rates = pd.concat([part[LEARNING_RATE] for _, part in compared])
        drawn.update_xaxes(**log_axis(rates, "number"))
    drawn.update_xaxes(title_text="Learning rate (of the generator)")
    drawn.update_yaxes(**axis_of(metric))
    return drawn
