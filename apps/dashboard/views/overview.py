"""Which model should I use, and why?"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from apps.dashboard.charts.dots import dots
from apps.dashboard.frame import over_seeds
from apps.dashboard.glossary import metric
from apps.dashboard.library import library
from apps.dashboard.names import MEASURED, PURPOSES, REPORTED, TASKS, called
from apps.dashboard.rows import record_table
from apps.dashboard.sentences import (
    ECE,
    LATENCY,
    SIZE,
    USABLE,
    Choice,
    best_reported,
    choices,
    comparable,
    quality,
    sources_told,
    unsteady,
)
from apps.dashboard.show import figure

TRAIN = {
    "character": "python -m training.grid --study characters --seeds 3 --scale cpu --data ../shared/data/characters",
    "emotion": "python -m training.grid --study strategies --seeds 3 --scale cpu --data ../shared/data/emotions",
    "generation": "python -m training.train_gan --data ../shared/data/faces64 --recipe ours --scale cpu",
}
FURTHER = ("test/macro_f1", ECE, LATENCY, SIZE)
MOST_ROWS = 12
READ = (
    "Filled dots were measured by this program, hollow ones are printed in papers. Each bar is the 95% interval of one "
    "run, or ± one standard deviation over seeds. Figures on different data do not race each other."
)


def main() -> None:
    books = library()
    st.title("Which model should I use, and why?")
    if not len(books.table):
        st.info(
            "There is no record yet. Train something, or name a folder of records: `python -m apps.dashboard FOLDER`."
        )
        return
    st.markdown(sources_told(books.table))
    finished = books.table[books.table["status"] == "finished"]
    for task in [*TASKS, *sorted(set(finished["task"].dropna()) - set(TASKS))]:
        rows = finished[finished["task"] == task]
        column = quality(task, rows)
        if len(rows) and column is not None and rows[column].notna().any():
            caution = unsteady(comparable(rows), LATENCY)
            _task(task, over_seeds(rows, [column, *FURTHER, "dataset.num_images.test"]), column, caution)


def _task(task: str, rows: pd.DataFrame, column: str, caution: str) -> None:
    st.header(f"To {PURPOSES.get(task, task)}", divider="gray")
    best = choices(rows, column)
    if best:
        _cards(best)
        st.caption(
            f"For confidence, speed and size, only models count that reach {USABLE:.0%} of the best one's figure. "
            f"{caution}"
        )
    else:
        st.markdown("Nothing was measured here yet; the papers' figures are below.")
        if task in TRAIN:
            st.code(TRAIN[task], language="bash", wrap_lines=True)
    if reported := best_reported(rows, column):
        st.caption(reported)
    _headline(task, rows, column)


def _cards(best: Sequence[Choice]) -> None:
    grid = st.grid(4, min_column_width=170, border=True)
    for choice in best:
        with grid.cell():
            st.caption(f"For {choice.aspect}")
            st.markdown(f"**{choice.row['name']}**" + (" :violet-badge[ships]" if choice.row["shipped"] else ""))
            st.markdown(f"### {choice.figure}")
            st.markdown(choice.sentence)
            run_id = str(choice.row["run_ids"]).split()[0]
            st.page_link("views/run.py", label="Look at the run", query_params={"id": run_id})


def _headline(task: str, rows: pd.DataFrame, column: str) -> None:
    by = metric(column)
    known = rows[rows[column].notna()].sort_values([column, "shipped"], ascending=[by.better == "lower", False])
    measured = comparable(known[known["kind"] == MEASURED])
    shown = pd.concat([measured.head(MOST_ROWS), known[known["kind"] == REPORTED].head(MOST_ROWS)])
    columns = [name for name in (column, *FURTHER) if name in shown and shown[name].notna().any()]
    record_table(shown, columns, f"{called(TASKS, task)}: measured beside reported")
    if left_out := len(known) - len(shown):
        st.caption(
            f"{left_out} further configurations (on other data, or below the first {MOST_ROWS}) stand on Compare."
        )
    if len(shown) > 1:
        figure(dots(shown, by), f"How good are models for {called(TASKS, task).lower()}?", READ, [by])


main()
