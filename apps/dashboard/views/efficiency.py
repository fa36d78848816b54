"""What does accuracy cost?"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from apps.dashboard.charts.dots import in_words
from apps.dashboard.charts.efficiency import on_front, pareto
from apps.dashboard.filters import metric_of, of_one_data_set, one_of
from apps.dashboard.frame import figures_of, over_seeds
from apps.dashboard.glossary import Metric, written
from apps.dashboard.library import library
from apps.dashboard.names import TASKS, called
from apps.dashboard.rows import column_help
from apps.dashboard.sentences import ECE, quality, unsteady
from apps.dashboard.show import figure, nothing_yet, table

COSTS = (
    "timing.inference_ms.p50",
    "model.num_parameters",
    "model.flops",
    "timing.total_seconds",
    "timing.seconds_per_epoch",
    "model.num_trainable",
)
GAINS = ("test/macro_f1", "test/weighted_f1", ECE)
MOST_ROWS, SAME = 500, 1.05
TITLE = "What does accuracy cost?"
COMMAND = "python -m training.grid --study strategies --seeds 3 --scale cpu --data ../shared/data/emotions"
READ = (
    "To the left is cheaper; the lower axis grows by factors. Grey is what another one dominates: it costs no more and "
    "is no worse, and in one of the two it is better. What nothing dominates stands on the dotted line (the Pareto "
    "front). The means of several seeds are compared as they are. Hollow marks are reported in papers."
)


def main() -> None:
    books = library()
    st.title(TITLE)
    finished = books.table[books.table["status"] == "finished"]
    tasks = [task for task in TASKS if _measurable(finished[finished["task"] == task], task)]
    if not tasks:
        nothing_yet("Each finished run would be a point here, by what it costs and how good it is.", COMMAND)
        return
    with st.container(horizontal=True):
        task = one_of("Task", tasks, "task", TASKS)
        rows = finished[finished["task"] == task]
        best = quality(task, rows) or ""
        cost = metric_of("Cost", _present(rows, COSTS), "cost")
        gain = metric_of("Against", _present(rows, [best, *GAINS]), "metric")
        known = rows[rows[cost.column].notna() & rows[gain.column].notna()]
        known = of_one_data_set(known)
    shown = over_seeds(known, [cost.column, gain.column])
    if not len(shown):
        st.info("No run has both figures. Choose another cost.")
        return
    st.markdown(_sentence(shown, cost, gain))
    if caution := unsteady(known, cost.column):
        st.warning(caution, icon=":material/warning:")
    title = f"{called(TASKS, task)}: what does {gain.name} cost in {cost.name.lower()}?"
    figure(pareto(shown, cost, gain), title, READ, [cost, gain])
    _table(shown, cost, gain)


def _measurable(rows: pd.DataFrame, task: str) -> bool:
    column = quality(task, rows)
    if column is None:
        return False
    known = rows[rows[column].notna()]
    return bool(len(_present(known, COSTS)))


def _present(rows: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(columns) if name in rows and rows[name].notna().any()]


def _sentence(rows: pd.DataFrame, cost: Metric, gain: Metric) -> str:
    best = _front(rows, cost, gain)
    told = f"{len(best)} of {len(rows)} configurations are dominated by no other."
    if len(best) < 2:
        return f"{told} {best.iloc[0]['name']} is the best and the cheapest." if len(best) else told
    cheap, good = best.iloc[0], best.iloc[-1]
    times = good[cost.column] / cheap[cost.column]
    price = f"{times:.1f} times the" if times >= SAME else "about the same"
    return (
        f"{told} The cheapest of them, {cheap['name']}, has {gain.name} {written(cheap[gain.column], gain.unit)}; the "
        f"best, {good['name']}, has {written(good[gain.column], gain.unit)} for {price} "
        f"{cost.name.lower()}."
    )


def _front(rows: pd.DataFrame, cost: Metric, gain: Metric) -> pd.DataFrame:
    sign = -1 if gain.better == "lower" else 1
    mask = on_front(rows[cost.column].to_numpy(), sign * rows[gain.column].to_numpy())
    return rows[mask].sort_values(cost.column)


def _table(rows: pd.DataFrame, cost: Metric, gain: Metric) -> None:
    front = set(_front(rows, cost, gain)["configuration"])
    everything = rows.sort_values(cost.column)
    ordered = everything.head(MOST_ROWS)
    if len(everything) > MOST_ROWS:
        st.caption(f"The table shows the {MOST_ROWS} cheapest of {len(everything):,}; its download has all.")
    lines = pd.DataFrame(
        {
            "Model": ordered["name"],
            cost.name: _words(ordered, cost),
            gain.name: _words(ordered, gain),
            "Dominated": ["" if number in front else "yes" for number in ordered["configuration"]],
        }
    )
    title = f"The same as numbers, cheapest first ({cost.name})"
    table(lines, title, raw=everything, column_config=column_help([cost.column, gain.column]))


def _words(rows: pd.DataFrame, one: Metric) -> list[str]:
    return [in_words(figure, one) for figure in figures_of(rows, one.column)]


main()
