"""Backbones against strategies: maps, and bars beside one another."""

import math
from collections.abc import Callable, Sequence

import pandas as pd
import plotly.graph_objects as go

from apps.dashboard.charts.cells import write_cells
from apps.dashboard.charts.dots import in_words, spread
from apps.dashboard.charts.style import axis_of, blank, hatched
from apps.dashboard.frame import Figure, figure_of, figures_of
from apps.dashboard.glossary import Metric, changed_by, with_spread
from apps.dashboard.names import BACKBONES, MEASURED, REPORTED, STRATEGIES, STRATEGY_ORDER, called
from apps.dashboard.palette import HATCH, MUTED, SEQUENTIAL, colour

REFERENCE = "linear_probe"
MISSING = Figure(float("nan"))
_CHANGES = {"higher": "gain over", "lower": "how much lower than", None: "difference from"}


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
    write_cells(drawn, SEQUENTIAL, size=14, style="italic" if kind == REPORTED else "normal")
    _frame(drawn, kind, len(backbones))
    return drawn


def _frame(drawn: go.Figure, kind: str, num_lines: int) -> None:
    """A frame that tells the kind: drawn through for measured figures, dashed for reported ones."""
    look = {"color": MUTED, "width": 2, "dash": "dash" if kind == REPORTED else "solid"}
    ends = {"x0": -0.5, "x1": len(STRATEGY_ORDER) - 0.5, "y0": -0.5, "y1": num_lines - 0.5}
    drawn.add_shape(type="rect", line=look, **ends)


def improvement(rows: pd.DataFrame, metric: Metric, backbones: Sequence[str]) -> go.Figure:
    """How much better each strategy is than the linear probe of the same backbone, of the same kind.

    Bars go up where it is better, also for figures of which lower ones are. ± is the standard deviation over seeds of
    the difference of two runs with different ones. Rows without a linear probe beside them are left out.
    """
    spread_column = f"{metric.column}:sd"
    probes = {
        (row["kind"], row["backbone"]): figure_of(row, metric.column)
        for row in rows.to_dict("records")
        if row["strategy"] == REFERENCE
    }
    gains = rows[rows["strategy"] != REFERENCE].drop(
        columns=[f"{metric.column}:{end}" for end in ("low", "high")], errors="ignore"
    )
    figures = figures_of(gains, metric.column)
    references = [probes.get(key, MISSING) for key in zip(gains["kind"], gains["backbone"], strict=True)]
    sign = -1 if metric.better == "lower" else 1
    pairs = list(zip(figures, references, strict=True))
    gains[metric.column] = [sign * (figure.value - probe.value) for figure, probe in pairs]
    gains[spread_column] = [math.hypot(figure.sd, probe.sd) for figure, probe in pairs]
    drawn = bars(gains, metric, backbones, lambda figure: changed_by(figure.value, metric.unit, figure.sd))
    better = "<br>(above 0 is better)" if metric.better else ""
    drawn.update_yaxes(title_text=f"{metric.name}: {_CHANGES[metric.better]} the linear probe{better}")
    drawn.add_hline(y=0, line_width=1, line_color=MUTED)
    return drawn


def bars(
    rows: pd.DataFrame, metric: Metric, backbones: Sequence[str], words: Callable[[Figure], str] | None = None
) -> go.Figure:
    """A bar for each backbone and strategy, with its spread; hatched where the figure is reported.

    Args:
        rows: as of `over_seeds`.
        metric: the column shown.
        backbones: the groups of bars, from left to right.
        words: a figure as it is told when it is pointed at, `in_words` by default.
    """
    drawn = blank(height=400, barmode="group", bargap=0.25)
    for number, strategy in enumerate(STRATEGY_ORDER):
        for kind in (MEASURED, REPORTED):
            part = rows[(rows["strategy"] == strategy) & (rows["kind"] == kind) & rows[metric.column].notna()]
            if not len(part):
                continue
            name = f"{called(STRATEGIES, strategy)}, {kind}"
            figures = figures_of(part, metric.column)
            told = [words(figure) if words else in_words(figure, metric) for figure in figures]
            drawn.add_bar(
                x=[called(BACKBONES, backbone) for backbone in part["backbone"]],
                y=part[metric.column],
                name=name,
                marker=hatched(kind, colour(number), HATCH),
                error_y={
                    "array": [spread(figure)[1] for figure in figures],
                    "arrayminus": [spread(figure)[0] for figure in figures],
                    "color": MUTED,
                    "thickness": 1.5,
                    "width": 3,
                },
                hovertext=[f"{name}: {one}" for one in told],
                hoverinfo="text+x",
            )
    drawn.update_xaxes(categoryorder="array", categoryarray=[called(BACKBONES, name) for name in backbones])
    drawn.update_yaxes(**axis_of(metric))
    return drawn


def _cell(value: float, sd: float, metric: Metric) -> str:
    return "" if value != value else with_spread(value, metric.unit, sd).replace(" ± ", "<br>± ")
