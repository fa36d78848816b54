"""Generators compared."""

import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.style import axis_of, blank, log_axis
from apps.dashboard.frame import PICTURES
from apps.dashboard.glossary import Metric
from apps.dashboard.palette import colour, dash, symbol

LEARNING_RATE, EPOCHS = "recipe.generator_lr", "recipe.epochs"


def recipe_columns(rows: pd.DataFrame) -> list[str]:
    """Columns of a recipe's numbers."""
    return [name for name in rows.columns if name.startswith("recipe.") and ":" not in name]


def learning_rates(rows: pd.DataFrame, metric: Metric) -> go.Figure:
    """A metric over the learning rate, a line for each setting in which rates are compared; ± one standard deviation.

    A setting is a data set, a number of pictures, a start, and all of a recipe but its learning rates.
    """
    drawn = blank(height=380)
    known = rows[rows[metric.column].notna() & rows[LEARNING_RATE].notna()]
    spread = f"{metric.column}:sd"
    shared = ["dataset", "recipe", "scale", "start_weights"]
    setting = [*shared, PICTURES, *(name for name in recipe_columns(known) if not name.endswith("_lr"))]
    groups = known.groupby(setting, observed=True, dropna=False, sort=True)
    compared = [part for _, part in groups if part[LEARNING_RATE].nunique() > 1]
    for number, part in enumerate(compared):
        line = part.sort_values(LEARNING_RATE)
        first = part.iloc[0]
        names = [first[name] for name in shared if isinstance(first[name], str) and first[name] != "random"]
        size = f"{first[PICTURES]:,.0f} pictures, {first[EPOCHS]:.0f} epochs"
        drawn.add_scatter(
            x=line[LEARNING_RATE],
            y=line[metric.column],
            mode="lines+markers",
            name=", ".join([*names, size]),
            line={"color": colour(number), "dash": dash(number)},
            marker={"symbol": symbol(number), "size": 9},
            error_y={"array": line[spread]} if spread in line and line[spread].notna().any() else None,
        )
    if compared:
        rates = pd.concat([part[LEARNING_RATE] for part in compared])
        drawn.update_xaxes(**log_axis(rates, "number"))
    drawn.update_xaxes(title_text="Learning rate (of the generator)")
    drawn.update_yaxes(**axis_of(metric))
    return drawn
