"""What is read of a run folder besides its record, and what is told where it is broken."""

from pathlib import Path

import numpy as np
import pytest

from anime_models.errors import RecordError
from anime_models.records import RunRecord, read_record, write_record
from anime_models.run_files import RunFiles
from tests.small_records import (
    CLASSES,
    NUM_TEST,
    classifier_record,
    generator_record,
    predictions_of,
    write_generator_run,
    write_run,
)


def opened(run: Path) -> RunFiles:
    return RunFiles(run / "record.json", read_record(run / "record.json"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path, classifier_record())


@pytest.fixture
def alone(tmp_path: Path) -> RunFiles:
    """A record that is a file of a collection."""
    record: RunRecord = classifier_record()
    write_record(record, tmp_path / "alone.json")
    return RunFiles(tmp_path / "alone.json", record)


def test_epochs_are_the_lines_of_the_metrics(run: Path) -> None:
    epochs = opened(run).epochs()
    assert [line["epoch"] for line in epochs] == list(range(8))
    assert epochs[1]["train/loss"] == pytest.approx(1.44)


def test_a_half_written_last_line_is_left_out(run: Path) -> None:
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 8, "trai')
    assert len(opened(run).epochs()) == 8


def test_any_other_broken_line_is_named(run: Path) -> None:
    (run / "metrics.jsonl").write_text("nonsense\n{}\n")
    with pytest.raises(RecordError, match="line 1"):
        opened(run).epochs()


def test_predictions_leave_the_output_for_strangers_out(run: Path) -> None:
    predictions = opened(run).predictions("test")
    assert predictions is not None
    labels, logits = predictions_of(classifier_record().run_id, len(CLASSES))
    assert np.array_equal(predictions.labels, labels)
    assert predictions.logits == pytest.approx(logits, abs=1e-5)
    assert predictions.names == CLASSES
    assert predictions.probabilities(1.4).sum(axis=1) == pytest.approx(np.ones(NUM_TEST))
    assert opened(run).splits() == ("test",)
    assert opened(run).predictions("validation") is None


def test_classes_are_named_by_the_checkpoint_else_by_the_record(run: Path) -> None:
    assert opened(run).labels().series[2] == "Series 1"
    (run / "checkpoint" / "config.json").unlink()
    labels = opened(run).labels()
    assert (labels.names, set(labels.series)) == (CLASSES, {""})


def test_damaged_predictions_are_named(run: Path) -> None:
    (run / "predictions.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(RecordError, match=r"predictions\.parquet cannot be read"):
        opened(run).predictions()


def test_predictions_of_fewer_classes_are_named(run: Path) -> None:
    (run / "checkpoint" / "config.json").write_text('{"label_names": ["a", "b", "c", "d", "e", "f", "g", "h"]}')
    with pytest.raises(RecordError, match="8 classes"):
        opened(run).predictions()


def test_a_record_alone_has_nothing_beside_it(alone: RunFiles) -> None:
    assert alone.epochs() == []
    assert alone.predictions() is None
    assert (alone.samples(), alone.parts(), alone.uncurated(), alone.splits()) == ((), (), None, ())
    assert [name for name, _ in alone.artefacts()] == ["alone.json"]
    assert alone.last_change() > 0


def test_grids_of_a_generator_stand_in_order(tmp_path: Path) -> None:
    files = opened(write_generator_run(tmp_path, generator_record()))
    names = [f"epoch-{number:03}.webp" for number in range(1, 7)]
    assert [path.name for path in files.samples()] == names
    (files.samples()[0].parent / "epoch-1000.webp").touch()
    assert [path.name for path in files.samples()] == [*names, "epoch-1000.webp"], "not by their first digit"
    uncurated = files.uncurated()
    assert uncurated is not None
    assert uncurated.parent.name == "checkpoint"


def test_artefacts_and_folds_are_listed(run: Path) -> None:
    (run / "fold-0").mkdir()
    names = [name for name, size in opened(run).artefacts() if size]
    assert names == ["checkpoint/config.json", "metrics.jsonl", "predictions.parquet", "record.json"]
    assert [part.name for part in opened(run).parts()] == ["fold-0"]
