"""Measure a generator at several truncations against held-out faces, as a table in Markdown.

    python -m training.measure_truncation --generator anime_models/embedded/generator --data ../shared/data/faces64

The latents are those that the record's figures were measured with, so that the row of truncation 1 repeats these.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from anime_models.dcgan import Generator
from anime_models.gan_metrics import (
    FeatureExtractor,
    GanScores,
    SetDistance,
    features,
    packaged_extractor,
    real_floor,
    score,
)
from anime_models.generator_checkpoint import load_generator
from anime_models.latents import LARGEST_TRUNCATION
from training.common.commands import exit_status
from training.common.flags import positive_int
from training.generation.data import GanData, load_gan_data
from training.generation.final import MEASURED_SEED
from training.generation.measure import generated_batches, picture_batches
from training.studies.table import line

TRUNCATIONS = (1.0, 0.85, 0.7, 0.5)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    return exit_status(lambda: measure(options))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Flags of the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.measure_truncation", description=__doc__.split("\n\n")[0])
    parser.add_argument("--generator", type=Path, required=True, help="checkpoint folder")
    parser.add_argument("--data", type=Path, required=True, help="dataset folder with train and validation.parquet")
    parser.add_argument("--truncations", type=truncation, nargs="+", default=TRUNCATIONS)
    parser.add_argument("--threads", type=positive_int, default=torch.get_num_threads())
    return parser.parse_args(arguments)


def truncation(text: str) -> float:
    """A truncation of the command line."""
    value = float(text)
    if not 0 <= value <= LARGEST_TRUNCATION:
        raise argparse.ArgumentTypeError(f"{text} is no truncation; give a number from 0 to {LARGEST_TRUNCATION}")
    return value


def measure(options: argparse.Namespace) -> None:
    """Print the table."""
    checkpoint = load_generator(options.generator)
    data = load_gan_data(options.data, checkpoint.config.generator.image_size)
    extractor = packaged_extractor()
    print(f"{len(data.held_out)} faces of {data.name} against as many generated ones; features: {extractor.name}")
    for row in rows(checkpoint.generator, data, extractor, options.truncations):
        print(row, end="", flush=True)


def rows(
    generator: Generator, data: GanData, extractor: FeatureExtractor, truncations: Sequence[float]
) -> Iterator[str]:
    """The table's rows, each when it is measured."""
    real = features(extractor, picture_batches(data.held_out))
    floor = real_floor(real, features(extractor, picture_batches(data.train[: len(data.held_out)])))
    yield line("truncation", "FID", "KID", "precision", "recall")
    yield line(*["---:"] * 5)
    for value in truncations:
        fake = features(extractor, generated_batches(generator, len(real), MEASURED_SEED, value))
        measured = score(real, fake, floor)
        yield _row(f"{value:g}", measured)
    yield _row("real faces", floor)


def _row(name: str, of: GanScores | SetDistance) -> str:
    return line(name, f"{of.fid:.0f}", f"{of.kid:.3f}", f"{of.precision:.2f}", f"{of.recall:.2f}")


if __name__ == "__main__":
    sys.exit(main())
