"""Train the face detector, choose its threshold, measure it and leave a run folder.

    python -m training.train_detector --data ../shared/data/detection --extra ../shared/data --out runs/detector
    python -m training.train_detector --data ../shared/data/detection --extra ../shared/data \
        --evaluate anime_models/embedded/detector

A killed run goes on from its last epoch when the same command is given again.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import sys
import time
from pathlib import Path

import torch

from anime_models.checkpoints import RECORD, save_checkpoint
from anime_models.errors import AnimeModelsError
from anime_models.faces import FaceDetector
from anime_models.records import (
    RunRecord,
    SelectionPart,
    write_record,
)
from training.detection_data import DetectionData, read_detection_data
from training.detection_evaluation import (
    choose_threshold,
)
from training.detection_loop import DetectorRecipe, fit_detector

REPOSITORY = Path(__file__).parent.parent
_PROVISIONAL_THRESHOLD = 0.35
_NUM_EPOCH_CHECKS = 100


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    try:
        data = read_detection_data(options.data, options.extra)
        if options.evaluate:
            evaluate(options, data)
        else:
            train(options, data)
    except AnimeModelsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Flags of the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train_detector", description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train, validation and test.parquet")
    parser.add_argument("--extra", type=Path, help="folder of face crop data sets (characters, emotions, faces64, ...)")
    parser.add_argument("--out", type=Path, default=Path("runs/detector"), help="run folder, new or to go on with")
    parser.add_argument("--evaluate", type=Path, help="only measure this detector folder")
    parser.add_argument("--epochs", type=int, nargs="+", help="epochs of each round, instead of the recipe's")
    parser.add_argument("--epoch-samples", type=int, help="samples of an epoch, instead of the recipe's")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args(arguments)


def recipe_from(options: argparse.Namespace) -> DetectorRecipe:
    """The recipe with the flags' changes."""
    recipe = DetectorRecipe()
    if options.epochs:
        last = recipe.rounds[-1]
        templates = [*recipe.rounds, *[last] * len(options.epochs)]
        rounds = [dataclasses.replace(t, num_epochs=n) for t, n in zip(templates, options.epochs, strict=False)]
        recipe = dataclasses.replace(recipe, rounds=tuple(rounds))
    if options.epoch_samples:
        recipe = dataclasses.replace(recipe, epoch_samples=options.epoch_samples)
    return recipe


def train(options: argparse.Namespace, data: DetectionData) -> RunRecord:
    """Train, choose the threshold and measure; writes the run folder and returns its record."""
    started = time.perf_counter()
    recipe, folder = recipe_from(options), options.out
    record = started_record(options, recipe, data)
    write_record(record, folder / RECORD)
    drawn = drawn_scenes(recipe.num_drawn_scenes, options.seed)
    training_data = dataclasses.replace(data, scenes=[*data.scenes, *drawn])
    network, epochs = fit_detector(training_data, epoch_validator(data, recipe), recipe, options.seed, folder)
    config = detector_config(recipe, _PROVISIONAL_THRESHOLD)
    threshold = choose_threshold(FaceDetector(copy.deepcopy(network), config), data)
    config = detector_config(recipe, threshold)
    save_checkpoint(folder / "checkpoint", network, config, record, card="")
    finish(options, data, record)
    seconds = [line["seconds"] for line in epochs]
    record.selection = SelectionPart(metric="last epoch", best_epoch=len(epochs) - 1)
    record.timing = dataclasses_free_timing(record, seconds, recipe, time.perf_counter() - started)
    record.status = "finished"
    save_checkpoint(folder / "checkpoint", network, config, record, detector_card(config, record))
    write_record(record, folder / RECORD)
    return record
