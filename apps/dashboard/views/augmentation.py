"""What do more, or altered, pictures bring?"""

import pandas as pd
import streamlit as st

from apps.dashboard.charts.curves import amounts
from apps.dashboard.charts.dots import dots
from apps.dashboard.filters import metric_of
from apps.dashboard.frame import PICTURES, over_seeds
from apps.dashboard.glossary import Metric, metric
from apps.dashboard.library import library
from apps.dashboard.names import AUGMENTATIONS, MEASURED, called
from apps.dashboard.rows import record_table
from apps.dashboard.show import figure, nothing_yet

METRICS = ("test/accuracy", "test/macro_f1", "test/loss", "test/cas", "train/accuracy")
RATIO = "recipe.synthetic_ratio"
READ = (
    "Every method trains the same network on the same pictures. Hollow: the paper's single runs; filled: ours, with "
    "the 95% interval of a run or ± one standard deviation over seeds. Where bars overlap widely, chance may decide."
)
READ_AMOUNT = "Each line is a method; further to the right it had more real pictures to train on."
READ_RATIO = "Generated pictures for each real one. If the line falls, the generated ones mislead more than they teach."


def main() -> None:
    books = library()
    st.title("What do more, or altered, pictures bring?")
    st.markdown(
        "With few pictures, training can alter them (**Cutout**, **CutMix**, **noise**) or add drawn ones (**DCGAN**). "
        "Hu compares these on 160 training pictures of 400 cartoon faces, male or female."
    )
    rows = books.table[(books.table["study"] == "augmentation") & (books.table["status"] == "finished")]
    columns = [name for name in METRICS if name in rows and rows[name].notna().any()]
    if not columns:
        nothing_yet("Methods with intervals, the paper's beside ours.")
        return
    shown = metric_of("Metric", columns)
    grouped = over_seeds(rows, [name for name in (*columns, PICTURES, RATIO) if name in rows])
    methods = _named(_on_all_pictures(grouped))
    st.markdown(_sentence(methods, shown))
    figure(dots(methods, shown, "method"), f"Which method helps? {shown.name}", READ, [shown])
    _amounts(grouped, shown)
    record_table(grouped, columns, "The methods as numbers")


def _on_all_pictures(grouped: pd.DataFrame) -> pd.DataFrame:
    """What is reported, and what was trained on the most real pictures; runs on fewer are for the learning curves."""
    if PICTURES not in grouped:
        return grouped
    counts = grouped[PICTURES].where(grouped["kind"] == MEASURED)
    return grouped[counts.isna() | (counts == counts.max())]


def _named(grouped: pd.DataFrame) -> pd.DataFrame:
    """With a column ``method``: the method in words, with its share of generated pictures, and the kind."""
    names = []
    for row in grouped.to_dict("records"):
        ratio = row.get(RATIO, float("nan"))
        share = f" ({ratio:g} for each real one)" if ratio == ratio else ""
        names.append(f"{called(AUGMENTATIONS, row['augmentation'])}{share}, {row['kind']}")
    return grouped.assign(method=names)


def _sentence(rows: pd.DataFrame, shown: Metric) -> str:
    """What the best method gains over none, for each kind."""
    told = []
    for kind, part in rows.groupby("kind", observed=True):
        by_method = part.dropna(subset=[shown.column]).sort_values(shown.column, ascending=shown.better == "lower")
        plain = by_method.loc[by_method["augmentation"] == "none", shown.column]
        if len(plain) and len(by_method) > 1:
            best = by_method.iloc[0]
            if best["augmentation"] == "none":
                told.append(f"{str(kind).capitalize()}: no method is better than none.")
                continue
            name = best["method"].rpartition(",")[0]
            gain = abs(float(best[shown.column]) - float(plain.iloc[0])) * (100 if shown.unit == "percent" else 1)
            unit = "points" if shown.unit == "percent" else "in value"
            told.append(f"{str(kind).capitalize()}: best is {name}, {gain:.3g} {unit} better than none.")
    return " ".join(told)


def _amounts(grouped: pd.DataFrame, shown: Metric) -> None:
    measured = grouped[grouped["kind"] == MEASURED]
    usual = measured
    if RATIO in measured and measured[RATIO].notna().any():
        usual = measured[measured[RATIO].isna() | (measured[RATIO] == measured[RATIO].mode()[0])]
    for column, rows, title, explained in (
        (PICTURES, usual, "Does it still help with more pictures?", READ_AMOUNT),
        (RATIO, _on_all_pictures(measured), "How many generated pictures are too many?", READ_RATIO),
    ):
        if column in rows and rows[column].nunique() > 1:
            figure(amounts(rows, shown, metric(column)), title, explained, [shown])
    if not len(measured):
        nothing_yet(
            "Our own runs of every method with intervals, learning curves over the number of real pictures, the share "
            "of generated pictures, and the classification accuracy score (CAS) of a model trained on generated ones "
            "alone, once records of them are among the sources."
        )


main()
