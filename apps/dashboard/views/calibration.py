"""How far can confidences be trusted?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from anime_models.calibration import inclusion
from anime_models.records import RunRecord
from anime_models.run_files import Predictions
from apps.dashboard.charts.confidence import before_after, classwise, set_sizes
from apps.dashboard.filters import of_one_data_set, one_of
from apps.dashboard.frame import over_seeds
from apps.dashboard.glossary import Metric, metric
from apps.dashboard.library import library
from apps.dashboard.names import TASKS
from apps.dashboard.sentences import ECE
from apps.dashboard.show import figure, nothing_yet
from apps.dashboard.side_by_side import NO_PREDICTIONS, confidences
from apps.dashboard.sides import MOST_SIDES, Side, classwise_errors, predictions_of, sides_of, temperature_of

BEFORE, CHANCE = "calibration.before.ece", "test/ece_by_chance"
SETS = ("test/shown_set_coverage", "test/shown_set_size")
THRESHOLDS = np.linspace(0.02, 0.99, 50)
DEFAULT_SIDES, MOST_ROWS = 3, 20
COMMAND = "python -m training.train_classifier --data ../shared/data/emotions --task emotion --strangers neutral"
READ_BEFORE = (
    "Hollow: the raw confidences; filled: after one temperature, fitted on validation, has divided the logits. The "
    "grey bar is what confidences that hold would show by chance on so few pictures: within it, less is luck. ± is the "
    "standard deviation over seeds."
)
READ_CLASSES = (
    "A class far to the right has a probability that says too much or too little about it, whatever the others do."
)
READ_SETS = (
    "A conformal set holds the right label as often as asked for. Along a line the demand rises: sets grow. Large "
    "marks are the stored settings, which ask for 90%."
)


def main() -> None:
    books = library()
    st.title("How far can confidences be trusted?")
    finished = books.table[books.table["status"] == "finished"]
    known = finished[finished[ECE].notna()] if ECE in finished else finished.iloc[:0]
    if not len(known):
        nothing_yet("Calibration errors, reliability diagrams and label sets of trained classifiers.", COMMAND)
        return
    tasks = [task for task in TASKS if (known["task"] == task).any()]
    with st.container(horizontal=True):
        task = one_of("Task", tasks, "task", TASKS)
        rows = of_one_data_set(known[known["task"] == task])
    wanted = [name for name in (BEFORE, ECE, CHANCE, *SETS) if name in rows]
    configurations = over_seeds(rows, wanted).sort_values(ECE)
    st.markdown(_sentence(configurations))
    if len(configurations) > MOST_ROWS:
        st.caption(f"Drawn are the {MOST_ROWS} with the lowest error of {len(configurations)} configurations.")
    drawn = before_after(_with_chance(configurations.head(MOST_ROWS), rows))
    figure(drawn, "Does one temperature mend confidences?", READ_BEFORE, _metrics())
    names = list(configurations["name"])
    default = list(configurations.sort_values("shipped", ascending=False, kind="stable")["name"][:DEFAULT_SIDES])
    chosen = st.multiselect(
        "Look closer at", names, default, key="models", bind="query-params", max_selections=MOST_SIDES
    )
    picked = configurations[configurations["name"].isin(chosen)]
    run_ids = [run_id for text in picked["run_ids"] for run_id in text.split()]
    sides = sides_of(books.table, run_ids, by_configuration=True)
    if sides:
        confidences(books, sides)
        found = {side.name: predictions_of(books, side, "test") for side in sides}
        _classes(found)
        _label_sets(found, picked, sides)


def _with_chance(configurations: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Configurations with the mean ends, over their runs, of what chance alone would show."""
    ends = [f"{CHANCE}:{end}" for end in ("low", "high") if f"{CHANCE}:{end}" in runs]
    if not ends:
        return configurations
    means = runs.groupby("configuration")[ends].mean()
    return configurations.drop(columns=ends, errors="ignore").join(means, on="configuration")


def _metrics() -> list[Metric]:
    return [metric(BEFORE), metric(ECE), metric(CHANCE)]


def _sentence(rows: pd.DataFrame) -> str:
    if BEFORE not in rows:
        return ""
    better = int((rows[ECE] < rows[BEFORE]).sum())
    best = rows.iloc[0]
    return (
        f"Temperature scaling lowered the calibration error of {better} of {len(rows)} configurations. The lowest is "
        f"{best[ECE]:.3f} ({best['name']}): its confidence is {best[ECE] * 100:.1f} points off on average."
    )


def _classes(found: Mapping[str, Sequence[tuple[RunRecord, Predictions]]]) -> None:
    errors = {name: classwise_errors(pairs) for name, pairs in found.items() if pairs}
    if errors:
        figure(
            classwise(pd.DataFrame(errors)),
            "Which class's probability is off?",
            READ_CLASSES,
            [metric("calibration.after.classwise_ece")],
        )


def _label_sets(
    found: Mapping[str, Sequence[tuple[RunRecord, Predictions]]], rows: pd.DataFrame, sides: Sequence[Side]
) -> None:
    lines = {name: _set_curve(pairs) for name, pairs in found.items() if pairs}
    stored = rows[rows[list(SETS)].notna().all(axis=1)] if set(SETS) <= set(rows) else rows.iloc[:0]
    if not lines and not len(stored):
        st.caption(NO_PREDICTIONS.format(sides[0].name))
        return
    title = "How many labels does a set need to hold the right one?"
    figure(set_sizes(lines, stored), title, READ_SETS, [metric(name) for name in SETS])


def _set_curve(pairs: Sequence[tuple[RunRecord, Predictions]]) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and mean size of the sets at every threshold, over all runs' answers together."""
    labels = np.concatenate([predictions.labels for _, predictions in pairs])
    chances = np.concatenate([predictions.probabilities(temperature_of(record)) for record, predictions in pairs])
    sets = [inclusion(chances, float(threshold)) for threshold in THRESHOLDS]
    coverage = [one[np.arange(len(labels)), labels].mean() for one in sets]
    return np.array(coverage), np.array([one.sum(axis=1).mean() for one in sets])


main()
