"""Results in the Hub's newer form: rows of ``.eval_results/*.yaml`` (hub documentation of August 2026)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import yaml
from huggingface_hub import EvalResultEntry, constants, eval_result_entries_to_yaml

from anime_models.records import RunRecord
from training.common.cards import CardPlace, ModelKind, headline_results, interval_of

FOLDER = ".eval_results"


def eval_results(kind: ModelKind, record: RunRecord, place: CardPlace) -> str:
    """The headline results as YAML; empty when there are none.

    The data set is the one on the Hub where there is one, else it keeps the name that the record gives it, which a note
    says: the Hub then lists the results without a leaderboard.
    """
    entries = [
        EvalResultEntry(
            dataset_id=place.dataset or record.dataset.id,
            task_id=f"{record.task}-{result.split}-{result.metric}",
            value=round(result.value, 4),
            date=_date(record),
            source_url=f"{constants.ENDPOINT}/{place.repo_id}/blob/main/record.json" if place.repo_id else None,
            source_name="Run record" if place.repo_id else None,
            notes="; ".join(_notes(record, result.split, interval_of(result), place)),
        )
        for result in headline_results(kind, record)
    ]
    rows: list[dict[str, Any]] = eval_result_entries_to_yaml(entries)
    return yaml.safe_dump(rows, sort_keys=False, allow_unicode=True) if rows else ""


def _notes(record: RunRecord, split: str, interval: str, place: CardPlace) -> list[str]:
    notes = [f"split {split}"]
    notes += [f"95% interval {interval}"] if interval else []
    notes += [f"data {record.dataset.revision}"] if record.dataset.revision else []
    return notes if place.dataset else [*notes, "the data is not on the Hub"]


def _date(record: RunRecord) -> str | None:
    """When the run began, from its id; None for an id that says nothing of it."""
    try:
        return datetime.strptime(record.run_id.partition("-")[0], "%Y%m%dT%H%M%SZ").strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return None
