"""Measuring a checkpoint again confirms an honest record and exposes one that is not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anime_models.records import read_record
from tests.parquet_files import write_split
from tests.small_models import LABELS, noise, write_checkpoint
from training.evaluate import main


@pytest.fixture
def checkpoint(finished_run: Path, tmp_path: Path) -> Path:
    """A trained checkpoint that the test may change."""
    return Path(shutil.copytree(finished_run / "checkpoint", tmp_path / "checkpoint"))


def evaluate(checkpoint: Path | str, data: Path, *more: str) -> int:
    flags = ["--checkpoint", str(checkpoint), "--data", str(data), "--strangers", "neutral", "--threads", "1"]
    return main([*flags, *more])


def tamper(checkpoint: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = checkpoint / "record.json"
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


def shift(metric: str, by: float) -> Callable[[dict[str, Any]], None]:
    """A change of the test figure of that name."""

    def change(fields: dict[str, Any]) -> None:
        (result,) = (
            r for r in fields["results"] if (r["metric"], r["split"], r["class_name"]) == (metric, "test", None)
        )
        result["value"] += by

    return change


def test_a_record_is_reproduced(finished_run: Path, drawn_characters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every test figure of the record, the calibration's included, and nothing is written."""
    folder = finished_run / "checkpoint"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert evaluate(folder, drawn_characters) == 0
    printed = capsys.readouterr()
    record = read_record(folder / "record.json")
    count = sum(result.split == "test" for result in record.results) + 2 * 6
    assert f"{count} of {count} test figures reproduced to 0.001" in printed.out
    assert "DIFFERS" not in printed.out
    assert printed.err == ""
    for name in ("accuracy", "stranger_auroc [energy]", "ece after temperature", "f1 [Character 000]"):
        assert f"\n{name} " in "\n" + printed.out
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (shift("accuracy", 0.01), "accuracy "),
        (shift("macro_f1", -0.0011), "macro_f1 "),
        (shift("stranger_auroc", 0.2), "stranger_auroc "),
        (lambda fields: fields["calibration"]["after"].update(ece=0.0), "ece after temperature"),
        (lambda fields: fields["results"].append({"split": "test", "metric": "charm", "value": 1.0}), "charm "),
    ],
    ids=["accuracy", "macro F1", "strangers", "calibration", "invented"],
)
def test_a_tampered_record_is_exposed(
    checkpoint: Path,
    drawn_characters: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], object],
    name: str,
) -> None:
    tamper(checkpoint, change)
    assert evaluate(checkpoint, drawn_characters) == 1
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "DIFFERS" in line)
    assert line.startswith(name)


def test_differences_within_the_tolerance_are_let_pass(checkpoint: Path, drawn_characters: Path) -> None:
    tamper(checkpoint, shift("accuracy", 0.0009))
    assert evaluate(checkpoint, drawn_characters) == 0


def test_other_data_is_noticed(
    checkpoint: Path, drawn_characters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Test pictures under wrong labels: the note says that the data is other, the figures are off."""
    data = Path(shutil.copytree(drawn_characters, tmp_path / "data"))
    names = read_names(checkpoint)
    write_split(data / "test.parquet", [noise(seed) for seed in range(6)], [0, 1, 2] * 2, names=names)
    assert evaluate(checkpoint, data) == 1
    printed = capsys.readouterr()
    assert "differs from the one that the record names" in printed.err
    assert "DIFFERS" in printed.out


def read_names(checkpoint: Path) -> list[str]:
    names: list[str] = json.loads((checkpoint / "config.json").read_text())["label_names"]
    return names


class TestErrors:
    def refusal(self, capsys: pytest.CaptureFixture[str], status: int) -> str:
        assert status == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        return str(line)

    def test_no_checkpoint(self, drawn_characters: Path, capsys: pytest.CaptureFixture[str]) -> None:
        message = self.refusal(capsys, evaluate("nowhere/at/all", drawn_characters))
        assert 'There is no folder "nowhere/at/all"' in message

    def test_no_data(self, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "train.parquet does not exist" in self.refusal(capsys, evaluate(checkpoint, tmp_path))

    def test_no_record(self, checkpoint: Path, drawn_characters: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (checkpoint / "record.json").unlink()
        assert "has no record.json" in self.refusal(capsys, evaluate(checkpoint, drawn_characters))

    def test_a_record_without_figures(
        self, drawn_characters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = write_checkpoint(tmp_path / "checkpoint")
        assert "claims no test figure" in self.refusal(capsys, evaluate(folder, drawn_characters))

    def test_data_of_other_classes(
        self, drawn_characters: Path, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        data = Path(shutil.copytree(drawn_characters, tmp_path / "data"))
        write_split(data / "test.parquet", [noise(seed) for seed in range(3)], [0, 1, 2], names=LABELS)
        message = self.refusal(capsys, evaluate(finished_run / "checkpoint", data))
        assert "test" in message
        assert "classes" in message


def test_flags_that_make_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["--checkpoint", "somewhere", "--data", "somewhere", "--threads", "0"])
    assert exit_info.value.code == 2
    assert "--threads" in capsys.readouterr().err
