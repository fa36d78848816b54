"""Backbones against strategies: maps, and bars beside one another."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.style import axis_of, blank, hatched
from apps.dashboard.frame import figure_of
from apps.dashboard.glossary import Metric, with_spread, written
from apps.dashboard.names import BACKBONES, MEASURED, REPORTED, STRATEGIES, STRATEGY_ORDER, called
from apps.dashboard.palette import HATCH, MUTED, SEQUENTIAL, colour

REFERENCE = "linear_probe"


def strategy_map(
    rows: pd.DataFrame,
    metric: Metric,
    backbones: Sequence[str],
    kind: str = MEASURED,
    limits: tuple[float, float] | None = None,
) -> go.Figure:
    """A cell for each backbone and strategy; what is missing stays empty.

    Args:
        rows: of one data set, at most one of the kind for each cell.
        metric: the column shown; yellow is better where one way is.
        backbones: the lines, from top to bottom.
        kind: which rows are shown; reported ones in slanted figures and a dashed frame.
        limits: values at the ends of the colours, the same for maps to be compared.
    """
    cells = {
        (row["backbone"], row["strategy"]): figure_of(row, metric.column)
        for row in rows[rows["kind"] == kind].to_dict("records")
    }
    figures = [[cells.get((backbone, strategy)) for strategy in STRATEGY_ORDER] for backbone in backbones]
    low, high = limits or (None, None)
    drawn = blank(height=110 + 62 * len(backbones))
    drawn.add_heatmap(
        x=[called(STRATEGIES, strategy) for strategy in STRATEGY_ORDER],
        y=[called(BACKBONES, backbone) for backbone in backbones],
        z=[
            [None if figure is None or figure.value != figure.value else figure.value for figure in line]
            for line in figures
        ],
        text=[
            ["" if figure is None else _cell(figure.value, figure.sd, metric) for figure in line] for line in figures
        ],
        texttemplate="%{text}",
        textfont={"size": 14},
        colorscale=SEQUENTIAL,
        reversescale=metric.better == "lower",
        zmin=low,
        zmax=high,
        xgap=3,
        ygap=3,
        showscale=False,
        hovertemplate="%{y}, %{x}: %{text}<extra></extra>",
        name=metric.name,
    )
    drawn.update_xaxes(showgrid=False)
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    _frame(drawn, kind, len(backbones))
    return drawn


def _frame(drawn: go.Figure, kind: str, num_lines: int) -> None:
    """A frame that tells the kind: drawn through for measured figures, dashed and with slanted ones for reported."""
    look = {"color": MUTED, "width": 2, "dash": "dash" if kind == REPORTED else "solid"}
    ends = {"x0": -0.5, "x1": len(STRATEGY_ORDER) - 0.5, "y0": -0.5, "y1": num_lines - 0.5}
    drawn.add_shape(type="rect", line=look, **ends)
    if kind == REPORTED:
        drawn.update_traces(textfont_style="italic")


def improvement(rows: pd.DataFrame, metric: Metric, backbones: Sequence[str]) -> go.Figure:
    """How much each strategy gains over the linear probe of the same backbone, of the same kind.

    Rows without a linear probe beside them are left out.
    """
    probes = {
        (row["kind"], row["backbone"]): row[metric.column]
        for row in rows.to_dict("records")
        if row["strategy"] == REFERENCE
    }
    gains = rows[rows["strategy"] != REFERENCE].copy()
    references = [probes.get((row["kind"], row["backbone"]), float("nan")) for row in gains.to_dict("records")]
    gains[metric.column] = gains[metric.column] - references
    drawn = bars(gains, metric, backbones)
    drawn.update_yaxes(title_text=f"{metric.name}: gain over the linear probe")
    drawn.add_hline(y=0, line_width=1)
    return drawn


def bars(rows: pd.DataFrame, metric: Metric, backbones: Sequence[str]) -> go.Figure:
    """A bar for each backbone and strategy; hatched where the figure is reported."""
    drawn = blank(height=400, barmode="group", bargap=0.25)
    for number, strategy in enumerate(STRATEGY_ORDER):
        for kind in (MEASURED, REPORTED):
            part = rows[(rows["strategy"] == strategy) & (rows["kind"] == kind) & rows[metric.column].notna()]
            if not len(part):
                continue
            name = f"{called(STRATEGIES, strategy)}, {kind}"
            drawn.add_bar(
                x=[called(BACKBONES, backbone) for backbone in part["backbone"]],
                y=part[metric.column],
                name=name,
                marker=hatched(kind, colour(number), HATCH),
                hovertext=[f"{name}: {written(value, metric.unit)}" for value in part[metric.column]],
                hoverinfo="text+x",
            )
    drawn.update_xaxes(categoryorder="array", categoryarray=[called(BACKBONES, name) for name in backbones])
    drawn.update_yaxes(**axis_of(metric))
    return drawn


def _cell(value: float, sd: float, metric: Metric) -> str:
    return "" if value != value else with_spread(value, metric.unit, sd).replace(" ± ", "<br>± ")
