"""How do generators learn to draw faces?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from anime_models.errors import RecordError
from apps.dashboard.charts.curves import Epochs, figures_over_epochs, over_training
from apps.dashboard.charts.dots import dots
from apps.dashboard.charts.generation import LEARNING_RATE, learning_rates, recipe_columns
from apps.dashboard.filters import metric_of, of_one_data_set
from apps.dashboard.frame import PICTURES, numbers, over_seeds
from apps.dashboard.glossary import metric
from apps.dashboard.library import Library, library
from apps.dashboard.show import figure, nothing_yet
from apps.dashboard.sides import MOST_SIDES, Side, sides_of

COMMAND = "python -m training.train_gan --data ../shared/data/faces64 --recipe ours --scale cpu"
SWEEP = "python -m training.train_gan --data ../shared/data/faces64 --recipe ning --scale cpu --learning-rates"
DISTANCES = ("held_out/fid", "held_out/kid")
CURVES = {
    "How near do the generated faces come to real ones?": DISTANCES,
    "How do the losses go?": ("train/generator_loss", "train/discriminator_loss"),
    "Does the discriminator tell them apart?": ("train/real_score", "train/fake_score"),
}
READ_CURVES = (
    "Epoch by epoch. FID and KID compare generated with held-out faces, lower is nearer. The scores are the "
    "discriminator's mean chance that a picture is real: for real ones and for generated ones; they meet where it can "
    "no longer tell."
)
READ_RATES = (
    "Ning compares five rates. Large and small ones fail; the flat part in the middle is where it does not matter."
)
READ_FINAL = (
    "Measured once at the end, with the extractor in brackets; figures of two extractors do not belong together."
)


def main() -> None:
    books = library()
    st.title("How do generators learn to draw faces?")
    rows = books.table[books.table["task"] == "generation"]
    if not len(rows):
        nothing_yet(
            "FID and KID over epochs, losses, the discriminator's scores, learning rates compared, one noise drawn "
            "after every epoch, and grids that nobody picked from.",
            COMMAND,
            "Ning and Chen report no figures, so there is nothing to show of the papers.",
        )
        return
    sides = _sides(books, rows)
    _curves(books, sides)
    finished = rows[rows["status"] == "finished"]
    if len(finished):
        _compared(finished)
    _pictures(books, sides)


def _sides(books: Library, rows: pd.DataFrame) -> list[Side]:
    # At first the newest of those that saw the most faces, since trials on fewer are looked at less, and one of each
    # recipe: a run and the one that it started from have most epochs in common.
    order = [name for name in ("shipped", PICTURES, "run_id") if name in rows]
    ordered = rows.sort_values(order, ascending=False)
    names = list(ordered["run_id"])
    firsts = list(ordered.drop_duplicates("strategy")["run_id"])
    shown = [*firsts, *(name for name in names if name not in firsts)][:2]
    chosen = st.multiselect("Runs", names, shown, key="runs", bind="query-params", max_selections=MOST_SIDES)
    return sides_of(books.table, chosen, by_configuration=False)


def _curves(books: Library, sides: Sequence[Side]) -> None:
    runs = {side.name: [epochs] for side in sides if (epochs := _epochs(books, side))}
    for title, names in CURVES.items():
        groups = _by_extractor(books, sides, runs) if names == DISTANCES else {"": runs}
        drawn = {
            extractor: [name for name in names if name in figures_over_epochs(part)]
            for extractor, part in groups.items()
        }
        if any(drawn.values()):
            st.subheader(title)
        for extractor, present in drawn.items():
            _row(groups[extractor], present, f" [{extractor}]" if extractor else "")
    for side in sides:
        if side.name not in runs:
            st.caption(f"{side.name}: no figures of single epochs are stored beside the record.")


def _row(runs: Mapping[str, Sequence[Epochs]], names: Sequence[str], addition: str) -> None:
    """Figures over epochs side by side."""
    if not names:
        return
    for place, name in zip(st.columns(len(names), gap="medium"), names, strict=True):
        with place:
            figure(over_training(runs, name), metric(name).name + addition, READ_CURVES)


def _by_extractor(
    books: Library, sides: Sequence[Side], runs: Mapping[str, list[Epochs]]
) -> dict[str, dict[str, list[Epochs]]]:
    """Runs apart by whose features their distances compare: those of two networks share no axis."""
    groups: dict[str, dict[str, list[Epochs]]] = {}
    for side in sides:
        if side.name in runs:
            record = books.record(side.run_ids[0])
            extractor = str(record.recipe.get("extractor", "")) if record else ""
            groups.setdefault(extractor, {})[side.name] = runs[side.name]
    return groups


def _epochs(books: Library, side: Side) -> Epochs:
    files = books.files(side.run_ids[0])
    try:
        return files.epochs() if files else []
    except RecordError as error:
        st.warning(str(error))
        return []


def _compared(finished: pd.DataFrame) -> None:
    """What the runs on one data set ended with; those on others are held against other faces."""
    st.header("Which is best in the end?", divider="gray")
    rows = of_one_data_set(finished)
    _final(rows)
    _rates(rows)


def _final(rows: pd.DataFrame) -> None:
    columns = [
        name for name in numbers(rows) if name.startswith(("validation/", "train/")) and not name.endswith("_sd")
    ]
    if not columns:
        return
    distances = sorted(columns, key=lambda name: not name.startswith("validation/fid/"))
    shown = metric_of("Metric", distances)
    grouped = over_seeds(rows, [shown.column])
    figure(dots(grouped, shown), f"{shown.name} of every configuration", READ_FINAL, [shown])


def _rates(rows: pd.DataFrame) -> None:
    st.header("Which learning rate?", divider="gray")
    distances = [name for name in numbers(rows) if name.startswith("validation/fid/")]
    if not distances or LEARNING_RATE not in rows:
        nothing_yet("FID over Ning's five learning rates.", SWEEP)
        return
    shown = metric(distances[0])
    drawn = learning_rates(over_seeds(rows, [shown.column, PICTURES, *recipe_columns(rows)]), shown)
    if drawn.data:
        figure(drawn, f"{shown.name} over the learning rate", READ_RATES, [shown])
    else:
        nothing_yet("FID over Ning's five learning rates.", SWEEP)


def _pictures(books: Library, sides: Sequence[Side]) -> None:
    st.header("What do they draw?", divider="gray")
    samples: Mapping[str, tuple[Path, ...]] = {
        side.name: files.samples() for side in sides if (files := books.files(side.run_ids[0]))
    }
    drawn = {name: paths for name, paths in samples.items() if paths}
    if not drawn:
        st.caption(
            "No pictures are stored beside these records (`samples/` of a run folder, `epochs/` of a checkpoint)."
        )
        return
    st.subheader("One noise after each epoch")
    last = max(map(len, drawn.values()))
    if last > 1:
        epoch = st.slider("Epoch", 1, last, last, key="epoch", bind="query-params", help="The same noise throughout.")
    else:
        epoch = last
    for place, (name, paths) in zip(st.columns(len(drawn)), drawn.items(), strict=True):
        path = paths[min(epoch, len(paths)) - 1]
        place.image(path.read_bytes(), caption=f"{name}, {path.stem.replace('-', ' ')}", alt=f"Faces drawn by {name}")
    _uncurated(books, sides)


def _uncurated(books: Library, sides: Sequence[Side]) -> None:
    grids = {side.name: files.uncurated() for side in sides if (files := books.files(side.run_ids[0]))}
    found = {name: path for name, path in grids.items() if path is not None}
    if not found:
        return
    st.subheader("Nobody picked these")
    for name, path in found.items():
        st.image(path.read_bytes(), caption=name, alt=f"Uncurated faces drawn by {name}")


main()
