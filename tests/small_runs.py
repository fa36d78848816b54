"""Training runs small enough for tests, on procedural faces."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from anime_models.drawn_faces import draw_face, make_dataset
from anime_models.face_datasets import SPLITS
from tests.parquet_files import write_split
from training.train_classifier import main

# Frozen stages, an extra class for strangers and strong augmentation, so that a run goes through everything.
FLAGS = (
    *("--recipe", "characters", "--epochs", "2", "--image-size", "64", "--strangers", "neutral"),
    *("--threads", "1", "--precision", "fp32"),
)
FROZEN_STAGES = 3
NUM_STRANGERS = 5


def write_drawn_characters(folder: Path) -> Path:
    """Three characters in 36 drawings, and strangers for each split (`neutral_*.parquet`)."""
    make_dataset(folder, task="character", num_identities=3, images_per_identity=12, size=64)
    for number, split in enumerate(SPLITS):
        identities = [500 + NUM_STRANGERS * number + i for i in range(NUM_STRANGERS)]
        images = [draw_face(identity=identity, emotion=None, size=64) for identity in identities]
        names = [f"character-{identity}" for identity in identities]
        write_split(folder / f"neutral_{split}.parquet", images, group=names, source=["drawn"] * NUM_STRANGERS)
    return folder


def train(data: Path, out: Path, *more: str, flags: Sequence[str] = FLAGS) -> Path:
    """Run the command line as it is typed; return the run folder that it made."""
    before = set(out.iterdir()) if out.is_dir() else set()
    status = main(["--data", str(data), "--task", "character", "--out", str(out), *flags, *more])
    assert status == 0
    (folder,) = set(out.iterdir()) - before
    return folder


def epoch_lines(folder: Path) -> list[dict[str, Any]]:
    """`metrics.jsonl` without what differs from run to run."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


class Killed(BaseException):
    """Stands for a signal: nothing in the program catches it."""


def killed_after(num_calls: int, original: Callable[..., Any]) -> Callable[..., Any]:
    """The function, until it has been called so often: then the process is as good as killed."""
    calls = 0

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > num_calls:
            raise Killed
        return original(*arguments, **named)

    return call


def interrupted(*arguments: Any, **named: Any) -> Any:
    """Stands for a function during which somebody presses Ctrl-C."""
    raise KeyboardInterrupt
