"""Run records survive a file, a kill and a reader who makes mistakes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from anime_models.errors import RecordError
from anime_models.records import (
    CalibrationFigures,
    CalibrationPart,
    CodePart,
    ModelPart,
    ReliabilityBin,
    Result,
    RunRecord,
    SelectionPart,
    Source,
    TimingPart,
    current_code,
    current_environment,
    new_run_id,
    peak_rss_mb,
    read_record,
    write_record,
)
from tests.small_models import make_record

FIGURES = CalibrationFigures(
    ece=0.02,
    adaptive_ece=0.03,
    classwise_ece=0.01,
    nll=0.4,
    brier=0.2,
    aurc=0.05,
    reliability=[
        ReliabilityBin(lower=0, upper=0.5, count=0, confidence=None, accuracy=None),
        ReliabilityBin(lower=0.5, upper=1, count=3, confidence=0.8, accuracy=2 / 3),
    ],
)


def full_record() -> RunRecord:
    return make_record(
        study="strategies",
        strategy="full",
        seed=42,
        recipe={"epochs": 3, "augmentation": {"flip": 0.5, "crop_scale": [0.5, 1.0]}, "name": "größe"},
        environment=current_environment("fp32", 2),
        code=CodePart(commit="0" * 40, dirty=True, command=["train_classifier.py", "--seed", "42"]),
        selection=SelectionPart(metric="validation/loss", best_epoch=1),
        timing=TimingPart(total_seconds=12.5, inference_ms={"p50": 3.0, "p95": 4.0}),
        calibration=CalibrationPart(temperature=1.2, before=FIGURES, after=FIGURES),
        results=[
            Result(split="test", metric="accuracy", value=1 / 3, ci95=(0.2, 0.5)),
            Result(split="test", metric="f1", value=0.25, class_name="Happy"),
            Result(split="validation", metric="accuracy", value=0.5),
        ],
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "record.json"


class TestRoundTrip:
    @pytest.mark.parametrize("record", [make_record(), full_record()], ids=["least", "most"])
    def test_what_was_written_is_read(self, path: Path, record: RunRecord) -> None:
        write_record(record, path)
        assert read_record(path) == record

    def test_a_reported_record_keeps_its_source_and_its_gaps(self, path: Path) -> None:
        record = make_record(
            kind="reported",
            model=ModelPart(backbone="xception"),
            source=Source(paper="Kanata et al.", table="2", doi="10.1000/1"),
        )
        write_record(record, path)
        assert read_record(path).source == record.source
        stored = json.loads(path.read_text())
        assert stored["seed"] is None
        assert stored["model"]["num_parameters"] is None

    def test_the_file_is_for_people_too(self, path: Path) -> None:
        write_record(full_record(), path)
        assert "größe" in path.read_text("utf-8")
        assert len(path.read_text("utf-8").splitlines()) > 30

    def test_the_value_of_a_metric(self) -> None:
        record = full_record()
        assert record.value("accuracy") == 1 / 3
        assert record.value("accuracy", split="validation") == 0.5
        assert record.value("f1", class_name="Happy") == 0.25
        assert record.value("f1") is None
        assert record.value("recall") is None


class TestKill:
    def test_it_leaves_the_old_record(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_record(make_record(status="running"), path)
        monkeypatch.setattr(Path, "replace", self.die)
        with pytest.raises(KeyboardInterrupt):
            write_record(make_record(status="finished"), path)
        assert read_record(path).status == "running"

    def test_it_leaves_nothing_where_nothing_was(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Path, "replace", self.die)
        with pytest.raises(KeyboardInterrupt):
            write_record(make_record(), path)
        assert not path.exists()

    def test_a_half_written_file_of_a_killed_write_is_no_hindrance(self, path: Path) -> None:
        path.parent.mkdir()
        path.with_suffix(".tmp").write_text('{"run_id": "2026')
        write_record(make_record(), path)
        assert read_record(path) == make_record()
        assert [file.name for file in path.parent.iterdir()] == ["record.json"]

    @staticmethod
    def die(path: Path, target: Path) -> Path:
        raise KeyboardInterrupt


class TestErrors:
    def test_missing_file(self, path: Path) -> None:
        with pytest.raises(RecordError, match=r"run/record\.json cannot be read \(No such file"):
            read_record(path)

    @pytest.mark.parametrize("content", [b"", b"{", b'{"run_id": "x"', b"\xff\xfe", b"[1]", b"7"])
    def test_no_json_object(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "record.json").write_bytes(content)
        with pytest.raises(RecordError, match=r"record\.json: the file: "):
            read_record(tmp_path / "record.json")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"schema_version": 2}, "schema_version: Input should be 1"),
            ({"status": "done"}, "status: Input should be 'running', 'finished' or 'failed'"),
            ({"kind": "guessed"}, "kind: Input should be 'measured' or 'reported'"),
            ({"colour": 1}, "colour: Extra inputs are not permitted"),
            ({"model": {}}, "model.backbone: Field required"),
            ({"seed": "many"}, "seed: Input should be a valid integer"),
            ({"results": [{"split": "test", "metric": "f1"}]}, "results.0.value: Field required"),
            (
                {"results": [{"split": "test", "metric": "f1", "value": 1, "ci95": [0]}]},
                "results.0.ci95.1: Field required",
            ),
        ],
    )
    def test_the_field_is_named(self, path: Path, change: dict[str, Any], message: str) -> None:
        write_record(make_record(), path)
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
        with pytest.raises(RecordError, match=re.escape(f"record.json: {message}")):
            read_record(path)


class TestCircumstances:
    def test_run_ids_say_what_ran_and_when(self) -> None:
        pattern = r"\d{8}T\d{6}Z-emotion-resnet18-linear_probe-s7"
        assert re.fullmatch(pattern, new_run_id("emotion", "resnet18", "linear_probe", 7))

    def test_environment(self) -> None:
        environment = current_environment("bf16", 3)
        assert (environment.precision, environment.threads) == ("bf16", 3)
        assert re.match(r"3\.\d+\.\d+", environment.python)
        assert re.match(r"2\.\d+", environment.torch)
        assert environment.device.startswith("cpu")

    def test_code_without_a_repository_or_without_git(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.argv", ["/somewhere/train_classifier.py", "--seed", "1"])
        expected = CodePart(commit="", dirty=False, command=["train_classifier.py", "--seed", "1"])
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
        assert current_code(tmp_path) == expected
        monkeypatch.setenv("PATH", str(tmp_path))
        assert current_code(tmp_path) == expected

    def test_memory_is_in_megabytes(self) -> None:
        assert 10 < peak_rss_mb() < 100_000
