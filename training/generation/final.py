"""The figures of a finished generator: how far from real faces, how varied, and how near to single training faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anime_models.dcgan import Generator
from anime_models.gan_metrics import FeatureExtractor, features, memorised_share, real_floor, score
from anime_models.novelty import NoveltyIndex
from anime_models.records import Result
from training.generation.data import GanData
from training.generation.measure import generated_batches, picture_batches

MEASURED_SEED = 10_007  # of the generated pictures; the epochs' figures come from smaller seeds
LARGEST_SET = 5000  # pictures on either side
NEAR_QUANTILES = {"nearer_than_typical_held_out": 0.5, "nearer_than_nearest_1%_held_out": 0.01}


def final_results(
    generator: Generator, data: GanData, extractor: FeatureExtractor, num_measured: int, novelty: Path
) -> list[Result]:
    """Measure a generator against held-out and against training faces, and write the novelty index.

    The floors are between as many real faces as are generated. ``num_*`` are the numbers of pictures.
    """
    train = features(extractor, picture_batches(data.train))
    held_out = features(extractor, picture_batches(data.held_out))
    shuffled = train[np.random.default_rng(0).permutation(len(train))]
    many = min(LARGEST_SET, len(train) // 2)
    count = max(many, min(num_measured, len(train)))
    fake = features(extractor, generated_batches(generator, count, MEASURED_SEED))
    few = min(num_measured, count)
    NoveltyIndex.build(train, held_out).save(novelty)
    return [
        *_compared("validation", held_out, fake[:few], shuffled[:few]),
        *_compared("train", shuffled[:many], fake[:many], shuffled[many : 2 * many]),
        *_nearness(train, held_out, fake),
    ]


def _compared(split: str, real: np.ndarray, fake: np.ndarray, other_real: np.ndarray) -> list[Result]:
    measured = score(real, fake, real_floor(real, other_real))
    counts = {"num_real": measured.num_real, "num_generated": measured.num_fake}
    return [
        Result(split=split, metric=metric, value=float(value))
        for metric, value in {**measured.metrics(), **counts}.items()
    ]


def _nearness(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray) -> list[Result]:
    results = []
    for name, quantile in NEAR_QUANTILES.items():
        near = memorised_share(train, held_out, fake, quantile=quantile)
        results.append(Result(split="train", metric=name, value=near.share))
        results.append(Result(split="train", metric=f"{name}_base_rate", value=near.base_rate))
    return results
