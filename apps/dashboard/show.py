"""How figures, tables and what is missing stand on a page: with an explanation and downloads, one click away."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from anime_models.record_store import Problem
from apps.dashboard.charts.export import figure_page, figure_table
from apps.dashboard.glossary import Metric
from apps.dashboard.library import Library

# Only the camera: everything else that plotly offers there is a double click or of no use in these figures.
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "displayModeBar": True,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}
MISSING = "—"


def figure(drawn: go.Figure, title: str, explained: str, metrics: Sequence[Metric] = ()) -> None:
    """A figure under its title, with how to read it and its downloads below.

    Args:
        drawn: the figure.
        title: a question or a statement, which the figure answers or shows.
        explained: how to read it.
        metrics: what its numbers mean is told as well.
    """
    name = slug(title)
    st.markdown(f"##### {title}")
    drawn.update_layout(template="streamlit")
    config = CONFIG | {"toImageButtonOptions": {**CONFIG["toImageButtonOptions"], "filename": name}}
    st.plotly_chart(drawn, key=f"figure {title}", config=config, alt=title)
    with st.container(horizontal=True, gap="small"):
        explanation(explained, metrics)
        with st.popover("Download", icon=":material/download:", type="tertiary"):
            st.download_button(
                "Page (HTML)",
                lambda: figure_page(drawn, title),
                f"{name}.html",
                "text/html",
                key=f"page {title}",
                on_click="ignore",
                help="Opens without a network; its camera symbol saves an SVG.",
            )
            csv_button("Numbers (CSV)", lambda: figure_table(drawn), title)
            st.caption("Picture (PNG): the camera symbol at the figure's upper right.")


def explanation(explained: str, metrics: Sequence[Metric] = ()) -> None:
    """How to read something, and what its metrics mean, behind one click."""
    with st.popover("How to read this", icon=":material/help:", type="tertiary"):
        st.markdown(explained)
        for one in dict.fromkeys(metrics):
            st.markdown(f"**{one.name}** {meaning(one)}")


def meaning(metric: Metric) -> str:
    """What a metric means and which way is better."""
    better = {"higher": " Higher is better.", "lower": " Lower is better."}.get(metric.better or "", "")
    return metric.help + better


def table(
    rows: pd.DataFrame, title: str, raw: pd.DataFrame | None = None, column_config: dict[str, Any] | None = None
) -> None:
    """A table with its download.

    Args:
        rows: as shown; its columns are called as on the screen.
        title: a question or a statement.
        raw: what the download holds, if not ``rows``.
        column_config: of ``st.dataframe``.
    """
    st.markdown(f"##### {title}")
    st.dataframe(rows, hide_index=True, placeholder=MISSING, alt=title, column_config=column_config)
    csv_button("Download the table (CSV)", lambda: rows if raw is None else raw, title)


def csv_button(label: str, rows: Callable[[], pd.DataFrame], title: str) -> None:
    """A download of rows as CSV, made only when it is asked for."""
    st.download_button(
        label,
        lambda: rows().to_csv(index=False).encode(),
        f"{slug(title)}.csv",
        "text/csv",
        key=f"numbers {title}",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )


def nothing_yet(what: str, command: str = "", more: str = "") -> None:
    """Say what would stand here and, where there is one, which command makes it."""
    with st.container(border=True):
        st.markdown(f"**Nothing measured yet.** {what}")
        if command:
            st.code(command, language="bash", wrap_lines=True)
        if more:
            st.caption(more)


def problem_panel(books: Library) -> None:
    """Name what could not be read; nothing where everything could."""
    count = len(books.problems)
    if not count:
        return
    label = f"{count} file{'s' * (count > 1)} could not be read"
    with st.expander(label, icon=":material/warning:", key="problems"):
        st.markdown("Everything else is shown. A run that is writing its record at this moment will be read soon.")
        kinds = pd.DataFrame([_row(problem) for problem in books.problems])
        st.dataframe(kinds, hide_index=True, alt=label, row_height=60)
        csv_button("Download the list (CSV)", lambda: kinds, "problems")


def _row(problem: Problem) -> dict[str, str]:
    return {"What": problem.kind, "Where": problem.place, "Why, and what to do": problem.message}


def slug(title: str) -> str:
    """A title as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60]
