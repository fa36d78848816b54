"""Everything of one run."""

import time
from pathlib import Path

import pandas as pd
import streamlit as st

from anime_models.errors import RecordError
from anime_models.records import RunRecord
from anime_models.run_files import RunFiles
from apps.dashboard.charts.curves import Epochs, figures_over_epochs, over_training
from apps.dashboard.filters import one_of
from apps.dashboard.glossary import metric, with_spread
from apps.dashboard.library import Library, library
from apps.dashboard.names import KINDS, SPLITS, TASKS, called, paper_table
from apps.dashboard.run_words import (
    changed_at,
    is_alive,
    repeat_command,
    resume_command,
    share_done,
    sizes,
    status_sentence,
)
from apps.dashboard.show import figure, table
from apps.dashboard.side_by_side import confidences, confusions
from apps.dashboard.sides import settings_of, sides_of

REFRESH_SECONDS = 5
MOST_OFFERED = 300
READ_CURVE = "What the run writes into `metrics.jsonl` after every epoch."


def main() -> None:
    books = library()
    st.title("What is there to know about a run?")
    run_id = _choose(books)
    record, files = (books.record(run_id), books.files(run_id)) if run_id else (None, None)
    if record is None or files is None:
        st.info("No run is chosen, or its record cannot be read any more.")
        return
    row = books.table[books.table["run_id"] == run_id].iloc[0]
    _heading(record, str(row["name"]), bool(row["shipped"]))
    alive = is_alive(record, files.last_change(), time.time())
    st.fragment(lambda: _progress(books, record.run_id, alive), run_every=REFRESH_SECONDS if alive else None)()
    _source(record)
    _results(record)
    sides = sides_of(books.table, [record.run_id], by_configuration=False)
    if record.calibration is not None:
        st.header("Its mistakes and confidences", divider="gray")
        confusions(books, sides)
        confidences(books, sides)
    _settings(record, files)


def _choose(books: Library) -> str | None:
    """The run that is asked for, or the one that began last, those first that go on."""
    wanted = st.session_state.get("id") or st.query_params.get("id", "")
    ordered = books.table.sort_values(["status", "kind", "run_id"], ascending=[False, True, False])["run_id"]
    offered = list(dict.fromkeys([*ordered.head(MOST_OFFERED), *([wanted] if books.path(wanted) else [])]))
    if not offered:
        return None
    more = f"The {MOST_OFFERED} newest are offered; any other opens by its address, `/run?id=…`."
    # Without a default, what is chosen stands in the address even where it is the newest.
    chosen = st.selectbox(
        "Run", offered, index=None, key="id", bind="query-params", help=more, placeholder=f"the newest: {offered[0]}"
    )
    return chosen or str(offered[0])


def _heading(record: RunRecord, name: str, shipped: bool) -> None:
    badges = [
        f":gray-badge[{KINDS[record.kind]}]",
        f":blue-badge[{record.status}]",
        f":gray-badge[{called(TASKS, record.task)}]",
    ]
    st.subheader(name, divider="gray")
    st.markdown(" ".join(badges + [":violet-badge[ships with the package]"] * shipped))


def _progress(books: Library, run_id: str, was_alive: bool) -> None:
    """How the run stands; drawn again every few seconds while it goes on."""
    record, files = books.record(run_id), books.files(run_id)
    if record is None or files is None:
        return
    now, changed = time.time(), files.last_change()
    if was_alive and not is_alive(record, changed, now):
        st.rerun()
    try:
        epochs: Epochs = files.epochs()
    except RecordError as error:
        st.warning(str(error))
        epochs = []
    st.markdown(status_sentence(record, changed, now, epochs))
    if was_alive:
        st.caption(f"This part refreshes itself every {REFRESH_SECONDS} seconds; seen at {changed_at(now)}.")
        if (done := share_done(record, epochs)) is not None:
            st.progress(done)
    if record.status == "running" and files.folder is not None and not was_alive:
        _how_to_go_on(record, files.folder)
    _parts(files)
    _curves(run_id, epochs)


def _how_to_go_on(record: RunRecord, folder: Path) -> None:
    command = resume_command(record, folder)
    if command is not None:
        st.markdown("Go on with it:")
        st.code(command, language="bash", wrap_lines=True)


def _parts(files: RunFiles) -> None:
    parts = files.parts()
    if parts:
        done = sum((part / "checkpoint" / "config.json").is_file() for part in parts)
        st.markdown(f"It consists of {len(parts)} folds so far; {done} of them are trained.")


def _curves(run_id: str, epochs: Epochs) -> None:
    names = figures_over_epochs({run_id: [epochs]})
    if names:
        default = next((name for name in ("validation/loss", "held_out/fid") if name in names), names[0])
        ordered = [default, *(name for name in names if name != default)]
        shown = one_of("Figure", ordered, "curve", {name: metric(name).name for name in names})
        figure(over_training({run_id: [epochs]}, shown), f"{metric(shown).name} over training", READ_CURVE)


def _source(record: RunRecord) -> None:
    if record.source is not None:
        link = f" ([doi:{record.source.doi}](https://doi.org/{record.source.doi}))" if record.source.doi else ""
        st.markdown(f"Source: {record.source.paper}, {paper_table(record.source.table)}{link}.")


def _results(record: RunRecord) -> None:
    lines = []
    for result in record.results:
        one = metric(f"{result.split}/{result.metric}")
        lines.append(
            {
                "Figure": one.name,
                "Class": result.class_name or "all",
                "Split": called(SPLITS, result.split),
                "Value": with_spread(result.value, one.unit, interval=result.ci95),
                "What it means": one.help,
            }
        )
    st.header("Its results", divider="gray")
    if not lines:
        st.info("The record holds no results (yet).")
        return
    raw = pd.DataFrame([result.model_dump() for result in record.results])
    table(pd.DataFrame(lines), "Every figure of the record, with its 95% interval where there is one", raw=raw)


def _settings(record: RunRecord, files: RunFiles) -> None:
    st.header("How it was made", divider="gray")
    command = repeat_command(record)
    if command is not None and record.code is not None:
        st.markdown("This command repeats it:")
        st.code(command, language="bash", wrap_lines=True)
        state = " with changes that were not committed, so the commit alone does not repeat it to the letter"
        st.caption(f"Commit {record.code.commit or 'unknown'}{state if record.code.dirty else ''}.")
    settings = settings_of(record)
    table(pd.DataFrame({"Setting": list(settings), "Value": list(settings.values())}), "Its settings")
    table(pd.DataFrame(sizes(files.artefacts())), "Its files")
    st.caption(f"In {files.folder or files.path}; last written {changed_at(files.last_change())}.")
    st.download_button(
        "Download the record (JSON)",
        files.path.read_bytes,
        f"{record.run_id}.json",
        "application/json",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )


main()
