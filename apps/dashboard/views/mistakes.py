"""Where do models go wrong?"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from apps.dashboard.answers import answers, disagreements, mistakes
from apps.dashboard.filters import one_of
from apps.dashboard.glossary import written
from apps.dashboard.library import Library, library
from apps.dashboard.names import TASKS
from apps.dashboard.pictures import NO_DATA, original, pictures_of
from apps.dashboard.show import csv_button, nothing_yet, table
from apps.dashboard.side_by_side import split_of
from apps.dashboard.sides import Side, predictions_of, sides_of, temperature_of

COMMAND = "python -m training.train_classifier --data ../shared/data/characters --task character --strangers faces"
MOST_MODELS, MOST_MISTAKES, MOST_DISAGREEMENTS = 4, 24, 60
ANY = "any"


def main() -> None:
    books = library()
    st.title("Where do models go wrong?")
    rows = _with_predictions(books.table)
    if not len(rows):
        nothing_yet(
            "The most confident mistakes of a model, picture by picture, and where models disagree. It needs the "
            "predictions that a run leaves in its folder; reported records are numbers alone.",
            COMMAND,
        )
        return
    task = one_of("Task", [task for task in TASKS if (rows["task"] == task).any()], "task", TASKS)
    known = list(rows[rows["task"] == task].sort_values(["shipped", "run_id"], ascending=False)["run_id"])
    chosen = st.multiselect("Models", known, known[:2], key="runs", bind="query-params", max_selections=MOST_MODELS)
    sides = sides_of(books.table, chosen, by_configuration=False)
    if not sides:
        st.info("Choose at least one model.")
        return
    split = split_of(books, sides)
    said = {side.name: one for side in sides if (one := _answers(books, side, split)) is not None}
    if not said:
        st.info(f"None of these models has predictions on {split}.")
        return
    _mistakes(said)
    _disagreements(said)


def _with_predictions(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[Path(path).with_name("predictions.parquet").is_file() for path in rows["path"]]]


def _answers(books: Library, side: Side, split: str) -> pd.DataFrame | None:
    found = predictions_of(books, side, split)
    return answers(found[0][1], temperature_of(found[0][0])) if found else None


def _mistakes(said: dict[str, pd.DataFrame]) -> None:
    st.header("Which mistakes was it most sure of?", divider="gray")
    with st.container(horizontal=True):
        name = one_of("Model", list(said), "model")
        one = said[name]
        classes = sorted(one["truth"].unique())
        truth = one_of("It was", (ANY, *classes), "truth")
        answer = one_of("It said", (ANY, *classes), "answer")
    wrong = mistakes(one, *(None if chosen == ANY else chosen for chosen in (truth, answer)))
    share = float((~one["right"]).mean())
    st.markdown(
        f"{name} is wrong on {int((~one['right']).sum())} of {len(one)} pictures ({written(share, 'percent')})."
    )
    if not len(wrong):
        st.info("No such mistake.")
        return
    shown = wrong.head(MOST_MISTAKES)
    _gallery(shown["id"], [f"**{r.truth}**, taken for **{r.answer}** ({r.confidence:.0%})" for r in shown.itertuples()])
    csv_button("Download all of these (CSV)", lambda: wrong, "mistakes")


def _gallery(ids: Sequence[str], captions: Sequence[str]) -> None:
    """Pictures with captions; where they are not at hand, their ids."""
    pictures = pictures_of(ids)
    if not pictures:
        st.caption(NO_DATA)
    grid = st.grid(6, min_column_width=130, border=True)
    for picture_id, caption in zip(ids, captions, strict=True):
        with grid.cell():
            if picture_id in pictures:
                st.image(pictures[picture_id], width="stretch", alt=picture_id)
            st.markdown(caption)
            st.caption(picture_id if picture_id not in pictures else original(picture_id).rpartition("/")[2])


def _disagreements(said: dict[str, pd.DataFrame]) -> None:
    st.header("Where do models disagree?", divider="gray")
    if len(said) < 2:
        st.info("Choose a second model above.")
        return
    rows = disagreements(said)
    all_wrong = int((rows["wrong"] == len(said)).sum())
    st.markdown(f"They give different answers for {len(rows)} pictures; for {all_wrong} of them all are wrong.")
    if not len(rows):
        return
    shown = rows.head(MOST_DISAGREEMENTS)
    lines = pd.DataFrame({"Picture": shown["id"], "Truth": shown["truth"]})
    for name in said:
        lines[name] = [f"{a} ({c:.0%})" for a, c in zip(shown[name], shown[f"{name}:confidence"], strict=True)]
    table(lines, "Pictures that they answer differently", raw=rows)
    few = shown.head(12)
    captions = [
        f"**{row['truth']}**: " + "; ".join(f"{row[name]} ({row[f'{name}:confidence']:.0%})" for name in said)
        for row in few.to_dict("records")
    ]
    if pictures_of(few["id"]):
        _gallery(few["id"], captions)


main()
