"""Run folders: what a resumed run keeps of its beginning."""

from pathlib import Path

import pytest

from anime_models.errors import ConfigError
from anime_models.records import CodePart, RunRecord, write_record
from tests.small_models import make_record
from training.common.run_folders import RECORD, interrupted_record, new_run_folder


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


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path) -> None:
    assert new_run_folder(tmp_path, "run") != new_run_folder(tmp_path, "run")
