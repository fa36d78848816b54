"""FID, KID, precision, recall and nearest training pictures of a generator, always with a named extractor.

Features are ``[N, F]`` arrays of one picture per row, as :func:`features` makes them. They carry the name of their
extractor, and whatever would compare features of two extractors raises ``ConfigError``. Plain arrays go with plain
arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anime_models._gan.distances import frechet_distance, kernel_distance, precision_recall
from anime_models._gan.extractors import FeatureExtractor, features, inception_extractor, packaged_extractor
from anime_models._gan.feature_arrays import Features, check_features, named_extractor
from anime_models._gan.neighbours import nearest
from anime_models.errors import ConfigError

__all__ = [
    "FeatureExtractor",
    "Features",
    "GanScores",
    "MemorisedShare",
    "SetDistance",
    "features",
    "frechet_distance",
    "inception_extractor",
    "kernel_distance",
    "memorised_share",
    "nearest",
    "packaged_extractor",
    "precision_recall",
    "real_floor",
    "score",
]


@dataclass(frozen=True)
class SetDistance:
    """How far another set of pictures is from a set of real ones.

    Attributes:
        extractor: whose features were compared.
        num_real, num_other: pictures in the sets.
        fid: Fréchet distance, >= 0, which falls with the numbers of pictures even where nothing else changes.
        kid: kernel distance, about 0 for sets of one distribution, and then as often below 0 as above.
        kid_sd: standard deviation of ``kid`` over the subsets.
        precision: share of the other pictures that lie among the real ones, in [0, 1].
        recall: share of the real pictures that lie among the other ones, in [0, 1].
    """

    extractor: str
    num_real: int
    num_other: int
    fid: float
    kid: float
    kid_sd: float
    precision: float
    recall: float


@dataclass(frozen=True)
class GanScores:
    """Measures of generated pictures, each beside its floor: the same between as many real and other real pictures.

    Attributes:
        extractor: whose features were compared; scores of two extractors never stand in one column.
        num_real: real pictures in every measure.
        num_fake: generated pictures, and as many other real ones for the floors.
        fid, kid, kid_sd, precision, recall: as in :class:`SetDistance`.
        fid_floor, kid_floor, kid_sd_floor, precision_floor, recall_floor: what real pictures reach.
    """

    extractor: str
    num_real: int
    num_fake: int
    fid: float
    kid: float
    kid_sd: float
    precision: float
    recall: float
    fid_floor: float
    kid_floor: float
    kid_sd_floor: float
    precision_floor: float
    recall_floor: float

    def metrics(self) -> dict[str, float]:
        """The measures under names for a record that tell the extractor, such as ``fid/inception-v3-fid``."""
        named = ("fid", "kid", "kid_sd", "precision", "recall")
        return {
            f"{name}/{self.extractor}": getattr(self, name) for name in (*named, *(f"{name}_floor" for name in named))
        }


@dataclass(frozen=True)
class MemorisedShare:
    """How many samples are nearer to a training picture than held-out pictures are.

    Attributes:
        extractor: whose features were compared; empty for plain arrays.
        share: samples whose distance to their nearest training picture is below ``threshold``, in [0, 1].
        base_rate: held-out pictures for which the same holds, in [0, 1]: the share of a generator that learnt the
            distribution and no picture.
        threshold: the quantile of the held-out pictures' distances to their nearest training pictures.
        num_train, num_held_out, num_samples: pictures in the sets.
    """

    extractor: str
    share: float
    base_rate: float
    threshold: float
    num_train: int
    num_held_out: int
    num_samples: int


def real_floor(real: np.ndarray, real_held_out: np.ndarray, *, seed: int = 0) -> SetDistance:
    """All measures between real pictures and other real ones: what no generator can be expected to beat.

    Args:
        real: features ``[N, F]`` of the pictures that generated ones will be compared with, N >= 4.
        real_held_out: features ``[M, F]`` of others, as many as there will be generated ones, M >= 4.
        seed: of KID's subsets.

    Raises:
        ConfigError: when the features cannot be compared or do not say their extractor, or pictures are too few.
    """
    extractor = named_extractor([real, real_held_out])
    kid, kid_sd = kernel_distance(real, real_held_out, seed=seed)
    precision, recall = precision_recall(real, real_held_out)
    fid = frechet_distance(real, real_held_out)
    return SetDistance(extractor, len(real), len(real_held_out), fid, kid, kid_sd, precision, recall)


def score(real: np.ndarray, fake: np.ndarray, floor: SetDistance, *, seed: int = 0) -> GanScores:
    """All measures of generated pictures, with their floor.

    Args:
        real: features ``[N, F]`` of real pictures.
        fake: features ``[M, F]`` of generated ones.
        floor: ``real_floor(real, others)`` with M other real pictures, measured once for any number of scores.
        seed: of KID's subsets.

    Raises:
        ConfigError: when the features cannot be compared or do not say their extractor, or the floor is of another
            extractor or of other numbers of pictures.
    """
    found = real_floor(real, fake, seed=seed)
    if floor.extractor != found.extractor:
        raise ConfigError(
            f"The floor was measured with {floor.extractor}, the pictures with {found.extractor}; use one extractor."
        )
    if (floor.num_real, floor.num_other) != (found.num_real, found.num_other):
        raise ConfigError(
            f"The floor compares {floor.num_real} pictures with {floor.num_other}, the score {found.num_real} with "
            f"{found.num_other}; these measures depend on the numbers, so measure the floor with the same ones."
        )
    return GanScores(
        extractor=found.extractor,
        num_real=found.num_real,
        num_fake=found.num_other,
        fid=found.fid,
        kid=found.kid,
        kid_sd=found.kid_sd,
        precision=found.precision,
        recall=found.recall,
        fid_floor=floor.fid,
        kid_floor=floor.kid,
        kid_sd_floor=floor.kid_sd,
        precision_floor=floor.precision,
        recall_floor=floor.recall,
    )


def memorised_share(
    train: np.ndarray, held_out: np.ndarray, samples: np.ndarray, *, quantile: float = 0.5
) -> MemorisedShare:
    """Share of samples that are nearer to a training picture than a held-out picture is.

    The held-out picture is the one at ``quantile`` of the held-out pictures, ordered by distance to their nearest
    training picture; the median by default. About half of the samples are nearer than the median if samples are as
    new as held-out pictures. Samples may be nearer without copying, where a generator draws only what is common; copies
    show at a low quantile: with 0.01, a share far above the base rate of 1% means that training pictures come back.

    Args:
        train: features ``[N, F]`` of the pictures that the generator was trained on.
        held_out: features ``[H, F]`` of real pictures that it was not trained on.
        samples: features ``[M, F]`` of generated pictures.
        quantile: in (0, 1).

    Raises:
        ConfigError: when the features cannot be compared, or the quantile is outside (0, 1).
    """
    check_features(train, held_out, samples, least=1)
    if not 0 < quantile < 1:
        raise ConfigError(f"quantile is {quantile}; choose a number between 0 and 1.")
    held_out_distances, sample_distances = nearest(train, held_out)[0], nearest(train, samples)[0]
    threshold = np.quantile(held_out_distances, quantile)
    return MemorisedShare(
        extractor=getattr(train, "extractor", ""),
        share=float((sample_distances < threshold).mean()),
        base_rate=float((held_out_distances < threshold).mean()),
        threshold=float(threshold),
        num_train=len(train),
        num_held_out=len(held_out),
        num_samples=len(samples),
    )
