"""Many records at once: which files are read, which of several copies counts, what is wrong with the broken ones."""

import json
import os
from pathlib import Path

import pytest

from anime_models.record_store import EMBEDDED, RecordStore, Snapshot, record_files
from anime_models.record_table import FACTS
from anime_models.records import write_record
from tests.small_records import classifier_record, generator_record


def snapshot(*folders: Path) -> Snapshot:
    return RecordStore(folders).snapshot()


def run_ids(found: Snapshot) -> list[str | None]:
    return [row.facts[FACTS.index("run_id")] for row in found.rows]


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two run folders, one of them in a folder of a study."""
    for place, seed in (("", 42), ("study", 43)):
        record = classifier_record(seed=seed)
        write_record(record, tmp_path / place / record.run_id / "record.json")
    return tmp_path


def test_the_shipped_records_are_all_read() -> None:
    found = snapshot(EMBEDDED)
    assert not found.problems
    assert {"kanata-xception-plain", "santoro-resnet18-full"} <= set(run_ids(found))
    assert len(found.paths) == len(found.rows) == len(set(run_ids(found)))


def test_run_folders_are_found_at_any_depth(runs: Path) -> None:
    assert run_ids(snapshot(runs)) == [classifier_record(seed=seed).run_id for seed in (42, 43)]


def test_what_lies_in_a_run_folder_is_part_of_it(runs: Path) -> None:
    run = runs / classifier_record(seed=42).run_id
    for part in ("checkpoint", "fold-0"):
        write_record(classifier_record(seed=99), run / part / "record.json")
    assert len(snapshot(runs).rows) == 2


def test_a_collection_holds_records_under_any_name(tmp_path: Path) -> None:
    write_record(classifier_record(seed=1), tmp_path / "one.json")
    write_record(classifier_record(seed=2), tmp_path / "records" / "paper" / "two.json")
    put(tmp_path, "runs/config.json", "{}")
    assert len(snapshot(tmp_path).rows) == 2


def test_links_and_hidden_folders_are_passed_over(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write_record(classifier_record(seed=7), elsewhere / "run" / "record.json")
    (runs / "link").symlink_to(elsewhere)
    write_record(classifier_record(seed=8), runs / ".trash" / "run" / "record.json")
    assert len(snapshot(runs).rows) == 2


def test_a_run_folder_counts_rather_than_a_copy_of_its_checkpoint(runs: Path) -> None:
    record = classifier_record(seed=42)
    copy = runs / "a-copy" / "record.json"
    write_record(record, copy)
    found = snapshot(runs)
    assert found.num_copies == 1
    assert copy not in found.paths
    assert runs / record.run_id / "record.json" in found.paths


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert not snapshot(tmp_path / "none").rows


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ('{"schema_version": 1, "run_i', "half-written", "ends too early"),
        ("", "half-written", "ends too early"),
        ('{"schema_version": 2, "run_id": "x"}', "newer version", "schema version 2"),
        ('{"schema_version": 1, "run_id": "x"}', "damaged", "kind"),
        ("[1, 2]", "damaged", "the file"),
        ("{]", "damaged", "Invalid JSON"),
    ],
)
def test_a_broken_record_is_named_with_its_fault(runs: Path, text: str, kind: str, told: str) -> None:
    path = put(runs, "broken/record.json", text)
    found = snapshot(runs)
    (problem,) = found.problems
    assert (problem.place, problem.kind) == (str(path), kind)
    assert told in problem.message
    assert len(found.rows) == 2


def test_an_unknown_field_is_damage_and_is_named(runs: Path) -> None:
    content = classifier_record(seed=3).model_dump(mode="json") | {"mood": "good"}
    put(runs, "broken/record.json", json.dumps(content))
    (problem,) = snapshot(runs).problems
    assert "mood" in problem.message


def test_only_what_changed_is_read_again(runs: Path) -> None:
    store = RecordStore([runs])
    before = store.snapshot()
    again = store.snapshot()
    assert again.fingerprint == before.fingerprint
    assert all(one is other for one, other in zip(before.rows, again.rows, strict=True))
    record = classifier_record(seed=42, status="running")
    path = runs / record.run_id / "record.json"
    write_record(record, path)
    os.utime(path, ns=(1, 1))
    after = store.snapshot()
    assert after.fingerprint != before.fingerprint
    assert after.rows[0].facts[FACTS.index("status")] == "running"
    assert after.rows[1] is before.rows[1]


def test_what_is_removed_is_forgotten_and_what_is_mended_is_read(runs: Path) -> None:
    broken = put(runs, "late/record.json", "{")
    store = RecordStore([runs])
    assert store.snapshot().problems
    write_record(generator_record(), broken)
    assert (len(store.snapshot().rows), store.snapshot().problems) == (3, ())
    broken.unlink()
    assert len(store.snapshot().rows) == 2


def test_files_are_listed_as_they_are_read(runs: Path) -> None:
    assert sorted(record_files(runs)) == sorted(snapshot(runs).paths)
