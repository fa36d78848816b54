"""A stand-in for `training.train_classifier` that takes its flags, leaves its kind of run folder and learns nothing.

`behaviour.json` in the data folder says what goes wrong, by name of a run (`resnet18 santoro-full s42`), and
`calls.txt` there gets a line each time that the stand-in is started.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

NUM_EPOCHS = 3
FIRST_ACCURACY = 0.5  # with seed 42; each further seed has 0.1 more


def main() -> int:
    options = parse()
    name = f"{options.backbone} {options.recipe} s{options.seed}"
    behaviour = behaviour_of(options.data)
    with (options.data / "calls.txt").open("a") as calls:
        calls.write(f"{name} {'resumed' if options.resume else 'new'}\n")
    if name in behaviour.get("refuse_to_resume", ()) and options.resume:
        return failed("began with other settings")
    if name in behaviour.get("leave_nothing", ()):
        print("test/accuracy: 0.5")
        return 0
    folder = options.resume or options.out / f"{time.time_ns()}-{options.task}-{options.backbone}-x-s{options.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, record(options, folder, behaviour, "running"))
    lines = folder / "metrics.jsonl"
    for epoch in range(len(lines.read_text().splitlines()) if lines.exists() else 0, NUM_EPOCHS):
        with lines.open("a") as file:
            file.write(json.dumps({"epoch": epoch, "resumed": options.resume is not None}) + "\n")
        if name in behaviour.get("hang", {}) and not options.resume:
            hang(behaviour["hang"][name])
        if "hang_on_node" in behaviour:
            hang_or_wait(**behaviour["hang_on_node"])
        fails_once = name in behaviour.get("fail_once", ()) and not options.resume
        if fails_once or name in behaviour.get("fail_always", ()):
            write(folder, record(options, folder, behaviour, "failed"))
            return failed("broken on purpose")
    write(folder, record(options, folder, behaviour, "finished"))
    return 0


def behaviour_of(data: Path) -> dict[str, Any]:
    path = data / "behaviour.json"
    if path.exists():
        content: dict[str, Any] = json.loads(path.read_text())
        return content
    return what_records_say(data)


def what_records_say(data: Path) -> dict[str, Any]:
    """What records of runs on that data say, besides their flags: its digest, and settings by recipe and scale."""
    from anime_models.face_datasets import dataset_revision  # takes seconds
    from training.recipes import RECIPES, SCALES, at_scale

    recipes = {f"{name} {scale}": at_scale(recipe, scale) for name, recipe in RECIPES.items() for scale in SCALES}
    settings = {key: {"epochs": recipe.epochs, "image_size": recipe.image_size} for key, recipe in recipes.items()}
    return {"revision": dataset_revision(data), "settings": settings}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for flag in ("--task", "--study", "--backbone", "--head", "--recipe", "--scale", "--start"):
        parser.add_argument(flag, required=True)
    for flag in ("--data", "--out", "--cache"):
        parser.add_argument(flag, type=Path, required=True)
    for flag in ("--seed", "--threads"):
        parser.add_argument(flag, type=int, required=True)
    parser.add_argument("--resume", type=Path)
    return parser.parse_args()


def hang(fifo: str) -> None:
    """Tell whoever reads the named pipe, and wait to be killed, which closes it."""
    with Path(fifo).open("w") as pipe:
        pipe.write("hanging\n")
        pipe.flush()
        signal.pause()


def hang_or_wait(node: str, fifo: str, gate: str) -> None:
    """Hang on one Ray node, told by its raylet's process; elsewhere wait until somebody opens the gate."""
    if os.environ["RAY_RAYLET_PID"] == node:
        hang(fifo)
    os.close(os.open(gate, os.O_RDONLY))


def failed(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


def record(options: argparse.Namespace, folder: Path, says: dict[str, Any], status: str) -> dict[str, object]:
    start = {"start_weights": options.start}
    if Path(options.start).is_dir():
        from training.common.start_weights import start_weights  # takes seconds

        known = start_weights(options.start)
        start = {"start_weights": known.name, "start_digest": known.digest}
    figures = {"ece": 0.02, "adaptive_ece": 0.02, "classwise_ece": 0.02, "nll": 0.6, "brier": 0.3, "aurc": 0.1}
    results = {"accuracy": FIRST_ACCURACY + 0.1 * (options.seed - 42), "macro_f1": 0.4}
    finished = {
        "results": [{"split": "test", "metric": name, "value": value} for name, value in results.items()],
        "calibration": {"temperature": 1.5, "before": figures, "after": figures},
        "timing": {"total_seconds": 100.0},
    }
    return {
        "run_id": folder.name,
        "kind": "measured",
        "status": status,
        "task": options.task,
        "study": options.study,
        "model": {"backbone": options.backbone, "head": options.head, **start},
        "seed": options.seed,
        "recipe": {
            "name": options.recipe,
            "scale": options.scale,
            **says["settings"][f"{options.recipe} {options.scale}"],
        },
        "dataset": {"id": options.data.name, "revision": says["revision"]},
        **(finished if status == "finished" else {}),
    }


def write(folder: Path, content: dict[str, object]) -> None:
    (folder / "record.tmp").write_text(json.dumps(content))
    (folder / "record.tmp").replace(folder / "record.json")


if __name__ == "__main__":
    sys.exit(main())
