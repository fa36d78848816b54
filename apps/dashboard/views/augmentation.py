"""What do more, or altered, pictures bring?"""

import pandas as pd
import streamlit as st

from apps.dashboard.charts.curves import amounts
from apps.dashboard.charts.dots import dots
from apps.dashboard.filters import metric_of
from apps.dashboard.frame import over_seeds
from apps.dashboard.glossary import Metric, metric
from apps.dashboard.library import library
from apps.dashboard.names import AUGMENTATIONS, MEASURED, called
from apps.dashboard.rows import record_table
from apps.dashboard.show import figure, nothing_yet

METRICS = ("test/accuracy", "test/macro_f1", "test/loss", "test/cas", "train/accuracy")
PICTURES, RATIO = "dataset.num_images.train", "recipe.synthetic_ratio"
COMMAND = "python -m training.augmentation_study --data ../shared/data/gender --seeds 3 --scale cpu"
READ = (
    "Every method trains the same network on the same pictures. Hollow: the paper's single runs; filled: ours, with "
    "the 95% interval of a run or ± one standard deviation over seeds. Bars that overlap show no difference."
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
        nothing_yet("Methods with intervals, the paper's beside ours.", COMMAND)
        return
    shown = metric_of("Metric", columns)
    grouped = over_seeds(rows, [name for name in (*columns, PICTURES, RATIO) if name in rows])
    methods = grouped.assign(
        method=[f"{called(AUGMENTATIONS, row['augmentation'])}, {row['kind']}" for row in grouped.to_dict("records")]
    )
    st.markdown(_sentence(methods, shown))
    figure(dots(methods, shown, "method"), f"Which method helps? {shown.name}", READ, [shown])
    _amounts(grouped, shown)
    record_table(grouped, columns, "The methods as numbers")


def _sentence(rows: pd.DataFrame, shown: Metric) -> str:
    """What the best method gains over none, for each kind."""
    told = []
    for kind, part in rows.groupby("kind", observed=True):
        by_method = part.dropna(subset=[shown.column]).sort_values(shown.column, ascending=shown.better == "lower")
        plain = by_method.loc[by_method["augmentation"] == "none", shown.column]
        if len(plain) and len(by_method) > 1:
            best = by_method.iloc[0]
            gain = abs(float(best[shown.column]) - float(plain.iloc[0])) * (100 if shown.unit == "percent" else 1)
            unit = "points" if shown.unit == "percent" else "in value"
            told.append(
                f"{str(kind).capitalize()}: best is {best['method'].rpartition(',')[0]}, {gain:.3g} {unit} from none."
            )
    return " ".join(told)


def _amounts(grouped: pd.DataFrame, shown: Metric) -> None:
    measured = grouped[grouped["kind"] == MEASURED]
    for column, title, explained in (
        (PICTURES, "Does it still help with more pictures?", READ_AMOUNT),
        (RATIO, "How many generated pictures are too many?", READ_RATIO),
    ):
        if column in measured and measured[column].nunique() > 1:
            figure(amounts(measured, shown, metric(column)), title, explained, [shown])
    if not len(measured):
        nothing_yet(
            "Our own runs of every method with intervals, learning curves over the number of real pictures, the share "
            "of generated pictures, and the classification accuracy score (CAS) of a model trained on generated ones "
            "alone.",
            COMMAND,
            "The command comes with the study of augmentations, which is not built yet.",
        )


main()
