"""Which strategy suits which backbone? Santoro's grid beside ours."""

import pandas as pd
import streamlit as st

from apps.dashboard.charts.grid import bars, improvement, strategy_map
from apps.dashboard.filters import in_one_setting, metric_of
from apps.dashboard.frame import over_seeds
from apps.dashboard.glossary import Metric, metric
from apps.dashboard.library import library
from apps.dashboard.names import KINDS, MEASURED, REPORTED, STRATEGY_ORDER
from apps.dashboard.rows import record_table
from apps.dashboard.sentences import strategy_or_backbone
from apps.dashboard.show import figure, nothing_yet

METRICS = (
    "test/accuracy",
    "test/macro_f1",
    "test/weighted_f1",
    "test/loss",
    "calibration.after.ece",
    "calibration.before.ece",
    "calibration.after.aurc",
    "model.trainable_share",
    "timing.seconds_per_epoch",
    "timing.total_seconds",
    "timing.epochs_run",
    "timing.inference_ms.p50",
)
COMMAND = "python -m training.grid --study strategies --seeds 3 --scale cpu --data ../shared/data/emotions"
READ_MAP = (
    "A cell for each backbone and way of training it; yellow is better. ± is the standard deviation over seeds; the "
    "paper has one run of each. Both maps have the same colours, so they can be compared."
)
READ_GAIN = (
    "The linear probe trains the head alone. A bar is how much better another strategy is for the same backbone and "
    "data (the paper's figure 9); up is better, also for figures of which lower ones are. ± is the standard deviation "
    "over seeds of the difference of two runs. Hatched bars are the paper's single runs."
)
READ_COST = (
    "Hatched bars are the paper's, on its own machine: compare the pattern, not the seconds. Our linear probe reads "
    "features that were computed once, before its first epoch, so that its epochs are nearly free."
)


def main() -> None:
    books = library()
    st.title("Which strategy suits which backbone?")
    st.markdown(
        "A strategy is what is trained: the head alone (**linear probe**), also the last stage (**partial**), "
        "everything (**full**), or one stage more every few epochs (**progressive**). Santoro et al. train four "
        "backbones under all four to read six emotions; `training.grid` repeats that here."
    )
    table_of = books.table
    rows = table_of[(table_of["study"] == "strategies") & (table_of["status"] == "finished")]
    rows = rows[rows["strategy"].isin(STRATEGY_ORDER)]
    columns = [name for name in METRICS if name in rows and rows[name].notna().any()]
    if not columns:
        nothing_yet("A map of backbones against strategies, the paper's beside ours.", COMMAND)
        return
    with st.container(horizontal=True):
        shown = metric_of("Metric", columns)
        rows = in_one_setting(rows[~_is_variant(rows)], ("scale", "start_weights"))
    everything = over_seeds(rows, columns)
    grouped = _one_for_each_cell(everything)
    if left_out := len(everything) - len(grouped):
        st.caption(
            f"{left_out} further configurations of the same cells have fewer seeds; they stand on the page Compare."
        )
    backbones = sorted(grouped["backbone"].dropna().unique())
    _maps(grouped, shown, backbones)
    title = f"How much better than the linear probe? {shown.name}"
    if (grouped[shown.column].notna() & (grouped["strategy"] != "linear_probe")).any():
        figure(improvement(grouped, shown, backbones), title, READ_GAIN, [shown])
    _costs(grouped, backbones)


def _is_variant(rows: pd.DataFrame) -> pd.Series:
    """Whether rows are of a variant of the study (such as ``santoro-full-even``), which is no cell of its grid."""
    return rows["recipe"].astype("object").str.endswith("-even", na=False)


def _one_for_each_cell(grouped: pd.DataFrame) -> pd.DataFrame:
    """Of several configurations of one kind, backbone and strategy, the one with the most seeds, else the newest."""
    ordered = grouped.sort_values(["runs", "run_ids"], ascending=False)
    return ordered.drop_duplicates(["kind", "backbone", "strategy"]).sort_index()


def _maps(grouped: pd.DataFrame, shown: Metric, backbones: list[str]) -> None:
    values = grouped[shown.column].dropna()
    limits = (float(values.min()), float(values.max())) if len(values) else None
    left, right = st.columns(2, gap="medium")
    for place, kind, owner in ((left, MEASURED, "Measured here"), (right, REPORTED, "Reported by Santoro et al.")):
        part = grouped[(grouped["kind"] == kind) & grouped[shown.column].notna()]
        with place:
            if len(part):
                drawn = strategy_map(part, shown, backbones, kind, limits)
                figure(drawn, f"{KINDS[kind][0]} {owner}: {shown.name}", READ_MAP, [shown])
                st.markdown(strategy_or_backbone(part, shown))
            elif kind == MEASURED:
                st.markdown(f"##### {owner}: {shown.name}")
                nothing_yet("The same map with our own runs, mean ± sd over seeds.", COMMAND)
            else:
                st.markdown(f"##### {owner}: {shown.name}")
                st.caption("The paper does not give this figure.")


def _costs(grouped: pd.DataFrame, backbones: list[str]) -> None:
    for column, title in (
        ("timing.seconds_per_epoch", "How long does an epoch take?"),
        ("timing.total_seconds", "How long does the whole training take?"),
        ("model.trainable_share", "How much of the model is trained?"),
    ):
        if column in grouped and grouped[column].notna().any():
            figure(bars(grouped, metric(column), backbones), title, READ_COST, [metric(column)])
    known = [name for name in METRICS if name in grouped and grouped[name].notna().any()]
    record_table(grouped, known, "The grid as numbers")


main()
