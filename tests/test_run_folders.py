"""Run folders: what a resumed run keeps of its beginning."""

import errno
from pathlib import Path

import pytest
import torch

from anime_models.errors import ConfigError
from anime_models.records import CodePart, RunRecord, write_record
from tests.small_models import make_record
from training.common.run_folders import RECORD, interrupted_record, new_run_folder
from training.common.run_state import LAST_EPOCH, RunState


def begun(folder: Path, commit: str, dirty: bool = False) -> RunRecord:
    record = make_record(code=CodePart(commit=commit, dirty=dirty, command=["first"]))
    write_record(record, folder / RECORD)
    return record


@pytest.mark.parametrize(
    ("before", "now", "dirty"),
    [
        (("a", False), ("a", False), False),
        (("a", False), ("b", False), True),
        (("a", True), ("a", False), True),
        (("a", False), ("a", True), True),
    ],
)
def test_a_resumed_run_keeps_its_first_commit_and_tells_that_the_code_has_changed(
    tmp_path: Path, before: tuple[str, bool], now: tuple[str, bool], dirty: bool
) -> None:
    begun(tmp_path, *before)
    record = make_record(code=CodePart(commit=now[0], dirty=now[1], command=["second"]))
    interrupted_record(record, tmp_path, lambda record: {"seed": record.seed})
    assert record.code == CodePart(commit="a", dirty=dirty, command=["first"])


def test_other_settings_are_refused(tmp_path: Path) -> None:
    begun(tmp_path, "a")
    with pytest.raises(ConfigError, match="began with seed"):
        interrupted_record(make_record(seed=7), tmp_path, lambda record: {"seed": record.seed})


@pytest.mark.parametrize("out", ["file", "file/below", "link"])
def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path, out: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "at all")
    with pytest.raises(ConfigError, match=f"No run folder can be made in {tmp_path / out} .*name another --out"):
        new_run_folder(tmp_path / out, "run")


@pytest.mark.parametrize("content", [b"", b"half a file", None])
def test_a_damaged_last_epoch_is_named(tmp_path: Path, content: bytes | None) -> None:
    model = torch.nn.Linear(2, 2)
    RunState(tmp_path, {"model": model}).save([], best=None)
    last = tmp_path / LAST_EPOCH
    last.write_bytes(last.read_bytes()[:500] if content is None else content)
    with pytest.raises(ConfigError, match=f"{LAST_EPOCH} is damaged or missing; delete {LAST_EPOCH}"):
        RunState(tmp_path, {"model": model}).restore()


def test_a_full_disk_is_named_and_leaves_the_epoch_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    state = RunState(tmp_path, {"model": torch.nn.Linear(2, 2)})
    state.save([{"epoch": 0}], best=None)
    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(ConfigError, match=r"No space left on device.*resume the run"):
        state.save([{"epoch": 0}, {"epoch": 1}], best=None)
    assert state.restore() == [{"epoch": 0}]
    assert {path.name for path in tmp_path.iterdir()} == {LAST_EPOCH, "metrics.jsonl"}


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path) -> None:
    assert new_run_folder(tmp_path, "run") != new_run_folder(tmp_path, "run")
