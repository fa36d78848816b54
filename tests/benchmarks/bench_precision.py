"""What bf16 costs in accuracy: the same trainings with the same seeds in fp32 and in bf16.

    python -m tests.benchmarks.bench_precision
    python -m tests.benchmarks.bench_precision --data ../shared/data/characters --start START_FOLDER

Exits with 1 when bf16 names more than half a point (0.5%) fewer of the test pictures right, in the mean over seeds.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from anime_models.face_datasets import FaceDataset
from tests.benchmarks.training_runs import jobs, our_run, prepared, training_parser
from training.classification.job import preprocessing_of, training_pixels

LARGEST_LOSS = 0.005
STRATEGIES = (("linear_probe", 20), ("partial", 10), ("full", 4))  # and epochs


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each strategy; 1 when bf16 loses too much."""
    options = training_parser(__doc__.split("\n\n")[0], seeds=3).parse_args(arguments)
    with prepared(options) as (splits, folder):
        kept = [_compare(splits, strategy, epochs, options, folder) for strategy, epochs in STRATEGIES]
    return 0 if all(kept) else 1


def _compare(
    splits: dict[str, FaceDataset], strategy: str, epochs: int, options: argparse.Namespace, folder: Path
) -> bool:
    accuracies: dict[str, list[float]] = {"fp32": [], "bf16": []}
    for job in jobs(splits, strategy, epochs, options, folder):
        pixels = training_pixels(job, preprocessing_of(job))
        for precision, found in accuracies.items():
            place = folder / f"{strategy}-{precision}-{job.seed}"
            found.append(our_run(replace(job, precision=precision), pixels, place).accuracy)
    lost = np.array(accuracies["fp32"]) - np.array(accuracies["bf16"])
    error = lost.std(ddof=1) / np.sqrt(len(lost)) if len(lost) > 1 else float("nan")
    print(
        f"{strategy:12s} {epochs} epochs, {len(lost)} seeds: test accuracy fp32 {np.mean(accuracies['fp32']):.4f}, "
        f"bf16 {np.mean(accuracies['bf16']):.4f}: {100 * lost.mean():+.2f} points lost "
        f"(standard error {100 * error:.2f}, aim at most {100 * LARGEST_LOSS:g})",
        flush=True,
    )
    return bool(lost.mean() <= LARGEST_LOSS)


if __name__ == "__main__":
    sys.exit(main())
