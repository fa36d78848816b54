"""Fit the measure of how far a head is turned to a rater's answers, and tell how well it does on faces left out.

    python -m training.generation.fit_turn --data ../shared/data/faces64

Ridge regression; its penalty is the one with the best correlation over ten folds, which is the figure that is printed
and, as the best of six, a little too good. The rater is a model that reads pictures; it calls 63% of the faces
straight.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from anime_models.errors import DatasetError
from anime_models.face_datasets import dataset_revision
from training.common.commands import exit_status
from training.generation.data import load_gan_data
from training.generation.face_measures import LUMA
from training.generation.face_turn import WEIGHTS, mirror_differences

RATINGS = Path(__file__).parent / "face_turn_ratings.json"
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # in units of the features' mean squared length
FOLDS = 10


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.generation.fit_turn", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the faces64 data that the rater was shown")
    options = parser.parse_args(arguments)
    return exit_status(lambda: fit_and_save(options.data))


def fit_and_save(folder: Path) -> None:
    """Store the weights and print the correlation with the rater on faces left out.

    Raises:
        DatasetError: when it is not the data that the rater was shown.
    """
    rated = json.loads(RATINGS.read_text("utf-8"))
    if dataset_revision(folder) != rated["revision"]:
        raise DatasetError(f"{folder} is not the data that the rater was shown ({rated['revision']}).")
    pixels = load_gan_data(folder, 64).train[rated["rows"]].permute(0, 2, 3, 1).numpy() / np.float32(255)
    features, turns = mirror_differences(pixels @ LUMA), np.asarray(rated["turns"])
    correlations = {penalty: cross_validated(features, turns, penalty) for penalty in PENALTIES}
    best = max(correlations, key=lambda penalty: correlations[penalty])
    save_file({"weights": ridge(features, turns, best).astype(np.float32)}, WEIGHTS)
    print(
        f"{len(turns)} faces, penalty {best:g}, correlation with the rater on faces left out {correlations[best]:.2f}"
    )


def ridge(features: np.ndarray, turns: np.ndarray, penalty: float) -> np.ndarray:
    """Weights ``[F]`` that give the turns ``[N]`` of features ``[N, F]``, with no constant: mirroring rules it out."""
    alike = features @ features.T
    added = penalty * alike.trace() / len(alike) * np.eye(len(alike))
    weights: np.ndarray = features.T @ np.linalg.solve(alike + added, turns)
    return weights


def cross_validated(features: np.ndarray, turns: np.ndarray, penalty: float) -> float:
    """Correlation of the turns with those that the other folds' faces predict."""
    folds, predicted = np.arange(len(turns)) % FOLDS, np.empty(len(turns))
    for fold in range(FOLDS):
        rows = folds == fold
        predicted[rows] = features[rows] @ ridge(features[~rows], turns[~rows], penalty)
    return float(np.corrcoef(predicted, turns)[0, 1])


if __name__ == "__main__":
    sys.exit(main())
