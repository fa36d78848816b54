"""What a run's page says of how it goes and how to repeat it."""

from pathlib import Path

import pytest

from anime_models.records import RunRecord
from apps.dashboard.run_words import is_alive, repeat_command, resume_command, share_done, sizes, status_sentence
from tests.small_records import classifier_record

NOW = 1_000_000.0
EPOCHS = [{"epoch": number, "seconds": 30.0} for number in range(5)]


@pytest.fixture
def running() -> RunRecord:
    return classifier_record(status="running")


def test_a_run_that_writes_is_alive(running: RunRecord) -> None:
    assert is_alive(running, NOW - 60, NOW)
    assert not is_alive(running, NOW - 3600, NOW)
    assert not is_alive(classifier_record(), NOW - 1, NOW)


def test_progress_and_time_left_follow_from_the_epochs(running: RunRecord) -> None:
    told = status_sentence(running, NOW - 60, NOW, EPOCHS)
    assert "its last sign of life is 60.0 s old" in told
    assert "5 of at most 20 epochs are done, about 7.5 min" in told
    assert share_done(running, EPOCHS) == 0.25


def test_a_silent_run_was_probably_killed(running: RunRecord) -> None:
    assert "probably killed" in status_sentence(running, NOW - 9000, NOW, [])


def test_finished_failed_and_reported_runs_say_so() -> None:
    finished = status_sentence(classifier_record(), NOW, NOW, EPOCHS)
    assert finished.startswith("It is finished. It took")
    assert "Kept is epoch 8, by validation/loss." in finished
    assert "ended with an error" in status_sentence(classifier_record(status="failed"), NOW, NOW, [])
    reported = classifier_record().model_copy(update={"kind": "reported"})
    assert "nothing of it was run here" in status_sentence(reported, NOW, NOW, [])


def test_the_command_is_typed_as_a_module(running: RunRecord) -> None:
    assert running.code is not None
    running.code.command = ["/somewhere/train_classifier.py", "--data", "my data", "--seed", "42"]
    assert repeat_command(running) == "python -m training.train_classifier --data 'my data' --seed 42"
    assert resume_command(running, Path("runs/x")) == f"{repeat_command(running)} --resume runs/x"
    running.code.command.append("--resume")
    running.code.command.append("runs/x")
    assert resume_command(running, Path("runs/x")) == repeat_command(running)


def test_without_a_command_there_is_none_to_repeat(running: RunRecord) -> None:
    running.code = None
    assert repeat_command(running) is None
    assert resume_command(running, Path("runs/x")) is None


def test_sizes_are_written_for_people() -> None:
    rows = sizes([("a", 12), ("b", 7_076_932)])
    assert [row["Size"] for row in rows] == ["12 bytes", "7.08 MB"]
