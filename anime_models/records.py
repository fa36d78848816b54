"""The run record: what was measured or reported, on what, by which code, with which settings.

``record.json`` is written first with ``status: "running"`` and replaced at the end, so that a killed run is seen as
one. A paper's table is the same record with ``kind: "reported"``; what a paper does not give is null, never guessed.
"""

from __future__ import annotations

import json
import platform
import resource
import subprocess
import sys
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anime_models.errors import RecordError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ModelPart(_Part):
    """The model: its names, size (``num_*`` in parameters) and cost (``flops`` per picture).

    ``trainable_share`` is the largest share of the parameters that was trained at a time, in [0, 1]; a paper may give
    it without the counts. ``start_digest`` tells apart start weights of one name (``sha256:…`` of their file).
    """

    backbone: str
    head: str | None = None
    num_parameters: int | None = None
    num_trainable: int | None = None
    trainable_share: float | None = None
    flops: float | None = None
    start_weights: str | None = None
    start_digest: str | None = None


class DatasetPart(_Part):
    """The data: its name, the digest of its files and the pictures in each split."""

    id: str
    revision: str | None = None
    num_images: dict[str, int] = Field(default_factory=dict)


class EnvironmentPart(_Part):
    """Where it ran."""

    python: str
    torch: str
    device: str
    precision: str
    threads: int


class CodePart(_Part):
    """What ran: commit, whether the tree differed from it, and the command."""

    commit: str
    dirty: bool
    command: list[str]


class SelectionPart(_Part):
    """How the kept epoch was chosen."""

    metric: str
    best_epoch: int


class TimingPart(_Part):
    """Durations in seconds, latencies at batch 1 in milliseconds, memory in MB; epochs run, early stopping included.

    ``stop_reason`` says why a training ended before its last epoch, where it tells.
    """

    epochs_run: int | None = None
    stop_reason: str | None = None
    seconds_per_epoch: float | None = None
    total_seconds: float | None = None
    images_per_second: float | None = None
    inference_ms: dict[str, float] | None = None
    peak_rss_mb: float | None = None


class ReliabilityBin(_Part):
    """One bar of a reliability diagram: predictions with confidence in (lower, upper]."""

    lower: float
    upper: float
    count: int
    confidence: float | None
    accuracy: float | None


class CalibrationFigures(_Part):
    """Quality of the confidences on one split; all in [0, 1] but ``nll`` (nats), lower is better."""

    ece: float
    adaptive_ece: float
    classwise_ece: float
    nll: float
    brier: float
    aurc: float
    reliability: list[ReliabilityBin] = Field(default_factory=list)


class CalibrationPart(_Part):
    """Calibration figures on test, with temperature 1 and with the fitted temperature."""

    temperature: float
    before: CalibrationFigures
    after: CalibrationFigures


class Result(_Part):
    """One number: which split, which metric, of which class (null: of all), with its 95% interval where known."""

    split: str
    metric: str
    value: float
    ci95: tuple[float, float] | None = None
    class_name: str | None = None


class Source(_Part):
    """Where a reported number stands."""

    paper: str
    table: str
    doi: str | None = None


class RunRecord(_Part):
    """A run, measured or reported."""

    schema_version: Literal[1] = 1
    run_id: str
    kind: Literal["measured", "reported"]
    status: Literal["running", "finished", "failed"]
    task: str
    study: str | None = None
    model: ModelPart
    strategy: str | None = None
    seed: int | None = None
    recipe: dict[str, Any] = Field(default_factory=dict)
    dataset: DatasetPart
    environment: EnvironmentPart | None = None
    code: CodePart | None = None
    selection: SelectionPart | None = None
    timing: TimingPart | None = None
    calibration: CalibrationPart | None = None
    results: list[Result] = Field(default_factory=list)
    source: Source | None = None

    def value(self, metric: str, split: str = "test", class_name: str | None = None) -> float | None:
        """The value of a metric, or None when the record does not hold it."""
        for result in self.results:
            if (result.metric, result.split, result.class_name) == (metric, split, class_name):
                return result.value
        return None


def read_record(path: str | Path) -> RunRecord:
    """Read and validate ``record.json``.

    Raises:
        RecordError: when the file is missing, is not JSON or breaks the schema; it names file and field.
    """
    path = Path(path)
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{path} cannot be read ({error.strerror}); name a run or checkpoint folder.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RecordError(f"{path}: {field}: {first['msg']}. Write the record again with this version.") from error


def write_record(record: RunRecord, path: str | Path) -> None:
    """Write ``record.json`` so that a kill leaves the old record or the new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n", "utf-8")
    temporary.replace(path)


def new_run_id(task: str, model: str, strategy: str, seed: int) -> str:
    """``<UTC time>-<task>-<model>-<strategy>-s<seed>``, the name of a run folder."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{task}-{model}-{strategy}-s{seed}"


def current_environment(precision: str, threads: int, device: str = "cpu") -> EnvironmentPart:
    """This machine, as a record wants it."""
    return EnvironmentPart(
        python=platform.python_version(),
        torch=metadata.version("torch"),
        device=f"{device} ({platform.machine()})",
        precision=precision,
        threads=threads,
    )


def current_code(repository: Path) -> CodePart:
    """The commit of a repository, whether it has uncommitted changes, and this process's command.

    The commit is empty where the code is no git repository or there is no git.
    """

    def git(*arguments: str) -> str:
        try:
            answer = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return ""
        return answer.stdout.strip()

    command = [Path(sys.argv[0]).name, *sys.argv[1:]]
    return CodePart(commit=git("rev-parse", "HEAD"), dirty=bool(git("status", "--porcelain")), command=command)


def peak_rss_mb() -> float:
    """Largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
