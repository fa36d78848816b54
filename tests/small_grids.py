"""Grids whose cells take a moment: the stand-in for the training, and what it did."""

import json
import os
from pathlib import Path
from typing import Any

from anime_models.face_datasets import SPLITS, dataset_revision
from anime_models.records import RunRecord, read_record
from tests import fake_trainer
from training.grid import main

TRAINER = fake_trainer.__name__
ONE_AT_A_TIME = "1024"  # threads, of which no machine has enough for two runs side by side


class SmallGrid:
    """A data folder, an out folder and the command line between them."""

    def __init__(self, folder: Path) -> None:
        self.data, self.out, self.folder = folder / "data", folder / "runs", folder
        self.data.mkdir()
        for split in SPLITS:
            (self.data / f"{split}.parquet").write_bytes(b"what is in it only counts for the digest")
        self.misbehave()

    def misbehave(self, **behaviour: Any) -> None:
        """Say what goes wrong from now on; nothing by default."""
        content = {**fake_trainer.what_records_say(self.data), **behaviour}
        (self.data / "behaviour.json").write_text(json.dumps(content))

    def revision(self) -> str:
        return dataset_revision(self.data)

    def flags(self, *more: str, study: str = "strategies") -> list[str]:
        places = ["--data", str(self.data), "--out", str(self.out)]
        return ["--study", study, "--start", "random", "--threads", ONE_AT_A_TIME, *places, *more]

    def run(self, *more: str, study: str = "strategies") -> int:
        """Run the command line as it is typed; returns its exit status."""
        return main(self.flags(*more, study=study), TRAINER)

    def calls(self) -> list[str]:
        """What was started since the last call, such as ``resnet18 santoro-full s42 new``."""
        path = self.data / "calls.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def records(self) -> list[RunRecord]:
        """The records of all runs."""
        return [read_record(path) for path in sorted(self.out.glob("*/record.json"))]

    def epochs(self) -> list[list[dict[str, Any]]]:
        """The epochs of each run."""
        paths = sorted(self.out.glob("*/metrics.jsonl"))
        return [[json.loads(line) for line in path.read_text().splitlines()] for path in paths]


class Hanging:
    """A named pipe that a hanging run holds open: its other end hears of the run's beginning and of its death."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        os.mkfifo(path)

    def wait_for_begin(self) -> None:
        self._pipe = os.open(self.path, os.O_RDONLY)
        assert os.read(self._pipe, 100) == b"hanging\n"

    def wait_for_death(self) -> None:
        assert os.read(self._pipe, 100) == b""
        os.close(self._pipe)
