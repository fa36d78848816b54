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
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from anime_models.checkpoints import CARD, RECORD, save_checkpoint
from anime_models.detector_model import FaceNet
from anime_models.drawn_faces import draw_scene
from anime_models.face_datasets import dataset_revision
from anime_models.faces import DetectorConfig, FaceDetector
from anime_models.records import (
    DatasetPart,
    ModelPart,
    RunRecord,
    SelectionPart,
    TimingPart,
    current_code,
    current_environment,
    new_run_id,
    peak_rss_mb,
    read_record,
    write_record,
)
from training.common.commands import SAME_COMMAND, exit_status, resumable
from training.common.flags import positive_int, seed
from training.common.run_folders import REPOSITORY
from training.detection.card import detector_card
from training.detection.data import DetectionData, Picture, read_detection_data, read_pictures
from training.detection.evaluation import (
    choose_threshold,
    crop_outcomes,
    latency_milliseconds,
    measure_detector,
    outcomes_of,
)
from training.detection.loop import DetectorRecipe, fit_detector, trained_parameters
from training.detection.metrics import precision_recall_f1

_PROVISIONAL_THRESHOLD = 0.35
_NUM_EPOCH_CHECKS = 100
_DRAWN_SIZES = ((640, 400), (480, 640), (512, 512))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    return exit_status(lambda: train_or_evaluate(options))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Flags of the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train_detector", description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train, validation and test.parquet")
    parser.add_argument("--extra", type=Path, help="folder of face crop data sets (characters, emotions, faces64, ...)")
    parser.add_argument("--out", type=Path, default=Path("runs/detector"), help="run folder, new or to go on with")
    parser.add_argument("--evaluate", type=Path, help="only measure this detector folder")
    parser.add_argument("--update-record", action="store_true", help="with --evaluate: store the new figures")
    parser.add_argument("--epochs", type=positive_int, nargs="+", help="epochs of each round, instead of the recipe's")
    parser.add_argument("--epoch-samples", type=positive_int, help="samples of an epoch, instead of the recipe's")
    parser.add_argument("--drawn-scenes", type=int, help="procedural scenes, instead of the recipe's")
    parser.add_argument("--seed", type=seed, default=42)
    parser.add_argument("--threads", type=positive_int, default=torch.get_num_threads())
    return parser.parse_args(arguments)


def train_or_evaluate(options: argparse.Namespace) -> None:
    """Do what the flags ask for."""
    data = read_detection_data(options.data, options.extra)
    if options.evaluate:
        evaluate(options, data)
        return
    with resumable(SAME_COMMAND):
        train(options, data)


def recipe_from(options: argparse.Namespace) -> DetectorRecipe:
    """The recipe with the flags' changes."""
    recipe = DetectorRecipe()
    if options.epochs:
        last = recipe.rounds[-1]
        templates = [*recipe.rounds, *[last] * len(options.epochs)]
        rounds = [dataclasses.replace(t, num_epochs=n) for t, n in zip(templates, options.epochs, strict=False)]
        recipe = dataclasses.replace(recipe, rounds=tuple(rounds))
    changes = {"epoch_samples": options.epoch_samples, "num_drawn_scenes": options.drawn_scenes}
    return dataclasses.replace(recipe, **{name: value for name, value in changes.items() if value is not None})


def train(options: argparse.Namespace, data: DetectionData) -> RunRecord:
    """Train, choose the threshold and measure; writes the run folder and returns its record."""
    recipe, folder = recipe_from(options), options.out
    record = started_record(options, recipe, data)
    write_record(record, folder / RECORD)
    drawn = drawn_scenes(recipe.num_drawn_scenes, options.seed)
    training_data = dataclasses.replace(data, drawn=tuple(drawn))
    network, epochs = fit_detector(training_data, epoch_validator(data, recipe), recipe, options.seed, folder)
    threshold = choose_threshold(FaceDetector(copy.deepcopy(network), detector_config(recipe)), data)
    config = detector_config(recipe, threshold)
    record.selection = SelectionPart(metric="last epoch", best_epoch=len(epochs) - 1)
    seconds = [line["seconds"] for line in epochs]
    record.timing = TimingPart(
        seconds_per_epoch=float(np.mean(seconds)),
        images_per_second=recipe.epoch_samples * len(epochs) / sum(seconds),
        total_seconds=sum(seconds),
    )
    save_checkpoint(folder / "checkpoint", network, config, record, card="")
    detector = FaceDetector.load(folder / "checkpoint")  # what is measured is what is stored
    measured = measured_record(record, detector, options, data)
    finished = measured.model_copy(update={"status": "finished"})
    save_checkpoint(folder / "checkpoint", network, config, finished, detector_card(config, finished))
    write_record(finished, folder / RECORD)
    return finished


def evaluate(options: argparse.Namespace, data: DetectionData) -> RunRecord:
    """Measure a detector folder again and print its record's figures beside the new ones; store these on demand."""
    recorded = read_record(options.evaluate / RECORD)
    detector = FaceDetector.load(options.evaluate)
    measured = measured_record(recorded, detector, options, data)
    for result in measured.results:
        before = recorded.value(result.metric, result.split, result.class_name)
        name = "/".join(filter(None, (result.split, result.metric, result.class_name)))
        print(f"{name:45} {result.value:9.4f}   recorded {'none' if before is None else format(before, '.4f')}")
    print("latency, ms:", measured.timing.inference_ms if measured.timing else None)
    if options.update_record:
        (options.evaluate / CARD).write_text(detector_card(detector.config, measured), "utf-8")
        write_record(measured, options.evaluate / RECORD)
    return measured


def measured_record(
    record: RunRecord, detector: FaceDetector, options: argparse.Namespace, data: DetectionData
) -> RunRecord:
    """The record with figures and latency of this detector on this machine."""
    test = read_pictures(options.data / "test.parquet")
    timing = (record.timing or TimingPart()).model_copy(
        update={"inference_ms": latency_milliseconds(detector, test), "peak_rss_mb": peak_rss_mb()}
    )
    return record.model_copy(
        update={
            "results": measure_detector(detector, data, test),
            "timing": timing,
            "environment": current_environment("fp32", options.threads),
        }
    )


def drawn_scenes(count: int, seed: int) -> list[Picture]:
    """Scenes of procedural faces, none to three in each."""
    pictures = []
    for index in range(count):
        image, boxes = draw_scene(seed=seed * 100_000 + index, num_faces=index % 4, size=_DRAWN_SIZES[index % 3])
        pictures.append(Picture(image, np.asarray(boxes, np.float32).reshape(-1, 4), "drawn", "drawn_faces"))
    return pictures


def detector_config(recipe: DetectorRecipe, threshold: float = _PROVISIONAL_THRESHOLD) -> DetectorConfig:
    """What travels with the weights."""
    return DetectorConfig(
        channels=recipe.channels, input_size=recipe.input_size, threshold=threshold, nms_iou=recipe.nms_iou
    )


def epoch_validator(data: DetectionData, recipe: DetectorRecipe) -> Callable[[FaceNet], dict[str, float]]:
    """F1 on a part of the validation scenes and crops, for the log."""
    scenes = spread(data.validation, _NUM_EPOCH_CHECKS)
    crops = spread(data.validation_crops, _NUM_EPOCH_CHECKS)

    def validate(network: FaceNet) -> dict[str, float]:
        detector = FaceDetector(copy.deepcopy(network), detector_config(recipe))
        judged = {"scenes": outcomes_of(detector, scenes), "crops": crop_outcomes(detector, crops)}
        return {
            f"validation/{name}_f1": precision_recall_f1(outcomes, _PROVISIONAL_THRESHOLD)[2]
            for name, outcomes in judged.items()
            if outcomes
        }

    return validate


def spread(pictures: Sequence[Picture], count: int) -> Sequence[Picture]:
    """At most `count` of the pictures, evenly spread."""
    return pictures[:: max(1, -(-len(pictures) // count))]


def started_record(options: argparse.Namespace, recipe: DetectorRecipe, data: DetectionData) -> RunRecord:
    """The record as it stands before training."""
    network = FaceNet(recipe.channels)
    return RunRecord(
        run_id=new_run_id("detection", "efficientnet_lite0", "self-training", options.seed),
        kind="measured",
        status="running",
        task="detection",
        model=ModelPart(
            backbone="efficientnet_lite0",
            head="centre_point",
            num_parameters=sum(parameter.numel() for parameter in network.parameters()),
            num_trainable=sum(parameter.numel() for parameter in trained_parameters(network).values()),
            start_weights="packaged",
        ),
        strategy="self-training",
        seed=options.seed,
        recipe=dataclasses.asdict(recipe),
        dataset=DatasetPart(
            id=options.data.resolve().name,
            revision=dataset_revision(options.data),
            num_images={
                "train_scenes": len(data.scenes),
                "train_negatives": len(data.negatives),
                "train_crops": len(data.crops),
                "train_drawn": recipe.num_drawn_scenes,
                "held_out_negatives": len(data.held_out_negatives),
                "validation": len(data.validation),
                "validation_crops": len(data.validation_crops),
            },
        ),
        environment=current_environment("fp32", options.threads),
        code=current_code(REPOSITORY),
    )


if __name__ == "__main__":
    sys.exit(main())
