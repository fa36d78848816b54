"""Run records as a data set: run folders as they are, which the dashboard reads, and a flat table of their results.

Records that the repository holds already stay in it; a run of the same id is replaced.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from anime_models.errors import RecordError
from anime_models.record_store import record_files
from anime_models.records import RunRecord, read_record
from training.publishing.dataset_stage import DEFAULT, described, parquet_split
from training.publishing.staging import CARD, Stage, copy_into

RUNS, RECORDS, RECORD = "runs", "records", "record.json"
TABLE = "results.parquet"
# What the dashboard reads beside a record; weights, pictures of others and states of interrupted runs stay here.
RUN_FILES = ("record.json", "metrics.jsonl", "predictions.parquet", "uncurated.webp", "samples/epoch-*.webp")
MORE_FILES = ("checkpoint/config.json", "checkpoint/uncurated.webp", "checkpoint/epochs/epoch-*.webp")
FOLD_FILES = ("fold-*/record.json", "fold-*/metrics.jsonl", "fold-*/predictions.parquet")
COLUMNS = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("run_id", "kind", "status", "task", "study", "backbone", "head", "strategy")
        ),
        ("seed", pa.int64()),
        *((name, pa.string()) for name in ("dataset", "paper", "split", "metric", "class_name")),
        *((name, pa.float64()) for name in ("value", "ci95_low", "ci95_high")),
    ]
)


def stage_records(folders: Sequence[Path], staged: Path, published: Path | None) -> Stage:
    """Stage the records of run folders, or of folders that hold such.

    Args:
        folders: where to look for records.
        staged: an empty folder.
        published: what the repository holds, or None.

    Raises:
        RecordError: there are none, or one is damaged.
    """
    if published is not None:
        _copy_published(published, staged)
    records, notes = {}, []
    for path in (path for folder in folders for path in record_files(folder)):
        record = read_record(path)
        if record.status == "running":
            notes.append(f"{path} is still running and stays here")
        elif record.run_id not in records:
            records[record.run_id] = record
            _copy_run(path, record, staged)
    if not records:
        raise RecordError(
            f"No finished record was found in {', '.join(map(str, folders))}; name run folders, or folders of records."
        )
    everything = [read_record(path) for path in record_files(staged)]
    pq.write_table(_table(everything), staged / TABLE)
    (staged / CARD).write_text(_card(everything, staged / TABLE), "utf-8")
    return Stage(staged, "dataset", f"{len(records)} run records", tuple(notes))


def _copy_published(published: Path, staged: Path) -> None:
    for name in (RUNS, RECORDS):
        if (published / name).is_dir():
            shutil.copytree(published / name, staged / name)


def _copy_run(path: Path, record: RunRecord, staged: Path) -> None:
    if path.name != RECORD:
        copy_into(staged, f"{RECORDS}/{record.run_id}.json", path)
        return
    folder = staged / RUNS / record.run_id
    shutil.rmtree(folder, ignore_errors=True)
    for pattern in (*RUN_FILES, *MORE_FILES, *FOLD_FILES):
        for file in sorted(path.parent.glob(pattern)):
            copy_into(folder, file.relative_to(path.parent).as_posix(), file)


def _table(records: Sequence[RunRecord]) -> pa.Table:
    rows = []
    for record in records:
        facts = {
            **{
                name: getattr(record, name)
                for name in ("run_id", "kind", "status", "task", "study", "strategy", "seed")
            },
            "backbone": record.model.backbone,
            "head": record.model.head,
            "dataset": record.dataset.id,
            "paper": record.source.paper if record.source else None,
        }
        for result in record.results:
            low, high = result.ci95 or (None, None)
            figures = result.model_dump(include={"split", "metric", "class_name", "value"})
            rows.append({**facts, **figures, "ci95_low": low, "ci95_high": high})
    return pa.Table.from_pylist(rows, schema=COLUMNS)


def _card(records: Sequence[RunRecord], table: Path) -> str:
    fields = {
        "pretty_name": "Run records of Anime Models",
        "license": "apache-2.0",
        "tags": ["anime", "anime-models", "run-records"],
        "size_categories": ["n<1K" if len(records) < 1000 else "1K<n<10K"],
        **described([parquet_split(table, DEFAULT, "train")]),
    }
    measured = sum(record.kind == "measured" for record in records)
    lines = [
        "# Run records of Anime Models",
        "",
        f"{len(records)} records: {measured} measured, {len(records) - measured} reported by papers. A record says "
        "which code, data, seed and machine, or which paper and table, a number comes from.",
        "",
        f"`{RUNS}/<run>/` are run folders: `record.json`, `metrics.jsonl` (a line per epoch), `predictions.parquet` "
        f"(ids of pictures, labels, logits) and samples of generators. `{RECORDS}/` are records that stand alone. "
        f"`{TABLE}` is a row for each result, for a look with `datasets.load_dataset`. None of them "
        "holds pictures of the data sets.",
        "",
        "Look at them in the dashboard: `python -m apps.dashboard hf-hub:THIS_REPOSITORY`.",
        "",
    ]
    return f"---\n{yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)}---\n\n" + "\n".join(lines)
