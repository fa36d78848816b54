"""Distances between sets of pictures against closed forms and plain loops; features that never mix extractors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy import linalg
from torch import Tensor
from torch.nn import functional

from anime_models._gan import neighbours
from anime_models.backbones import build_model, load_packaged_weights
from anime_models.drawn_faces import draw_face
from anime_models.errors import CheckpointError, ConfigError, HubError
from anime_models.gan_metrics import (
    FeatureExtractor,
    Features,
    features,
    frechet_distance,
    inception_extractor,
    kernel_distance,
    memorised_share,
    nearest,
    packaged_extractor,
    precision_recall,
    real_floor,
    score,
)
from anime_models.picture_tensors import to_tensor

SIZE, NUM_FACES = 64, 12
WEIGHTS_URL = "http://127.0.0.1:9/inception.pth"  # nothing listens there
INCEPTION_MODULE = "torch_fidelity.feature_extractor_inceptionv3"


def drawn(count: int, first: int = 0) -> Tensor:
    """Pictures ``[count, 3, 64, 64]`` of as many characters."""
    return to_tensor([draw_face(identity=first + n, size=SIZE, seed=first + n) for n in range(count)], SIZE)


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    return packaged_extractor()


@pytest.fixture(scope="module")
def faces() -> Tensor:
    return drawn(NUM_FACES)


def normal(count: int, width: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width))


def whitened(count: int, width: int, seed: int = 0) -> np.ndarray:
    """Rows whose mean is 0 and whose covariance is the identity, up to rounding."""
    rows = normal(count, width, seed)
    rows -= rows.mean(axis=0)
    return rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T))).T


def named(rows: np.ndarray, extractor: str = "here") -> Features:
    return Features(rows, extractor)


class TestPackagedExtractor:
    def test_features(self, extractor: FeatureExtractor, faces: Tensor) -> None:
        before = faces.clone()
        found = features(extractor, [faces[:5], faces[5:]])
        assert found.shape == (NUM_FACES, extractor.size) == (NUM_FACES, 1280)
        assert found.dtype == np.float32
        assert found.extractor == extractor.name
        assert np.isfinite(found).all()
        assert torch.equal(faces, before)

    def test_other_batches_give_the_same(self, extractor: FeatureExtractor, faces: Tensor) -> None:
        whole = features(extractor, [faces])
        np.testing.assert_array_equal(features(extractor, [faces]), whole)
        for size in (1, 5):
            np.testing.assert_allclose(features(extractor, faces.split(size)), whole, atol=1e-4)

    def test_it_is_the_packaged_network(self, extractor: FeatureExtractor, faces: Tensor) -> None:
        model = build_model("efficientnet_lite0", "plain", 2, 128).eval()
        load_packaged_weights(model, "efficientnet_lite0")
        resized = functional.interpolate(faces, (128, 128), mode="bicubic", antialias=True).clamp(-1, 1)
        with torch.no_grad():
            expected = model.features(resized)
        torch.testing.assert_close(extractor(faces), expected, atol=1e-4, rtol=1e-4)

    def test_steps_finer_than_a_byte_do_not_count(self, extractor: FeatureExtractor, faces: Tensor) -> None:
        finer = (faces[:2] + 0.4 / 127.5).clamp(-1, 1)
        assert torch.equal(extractor(finer), extractor(faces[:2]))

    def test_any_size_of_picture(self, extractor: FeatureExtractor) -> None:
        assert extractor(torch.zeros(1, 3, 200, 90)).shape == (1, 1280)

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (torch.zeros(3, 8, 8), r"\[3, 8, 8\]"),
            (torch.zeros(2, 1, 8, 8), r"floats \[N, 3, H, W\]"),
            (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), "uint8"),
            (torch.zeros(0, 3, 8, 8), r"\[0, 3, 8, 8\]"),
            (torch.full((1, 3, 8, 8), 2.0), "outside"),
            (torch.full((1, 3, 8, 8), torch.nan), "NaN"),
        ],
    )
    def test_what_is_no_batch_of_pictures(self, extractor: FeatureExtractor, images: Tensor, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            extractor(images)

    def test_no_pictures(self, extractor: FeatureExtractor) -> None:
        with pytest.raises(ConfigError, match="no pictures"):
            features(extractor, [])

    def test_faces_are_nearer_to_faces_than_noise_is(self, extractor: FeatureExtractor, faces: Tensor) -> None:
        noise = torch.rand(NUM_FACES, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
        real, others, no_faces = (
            features(extractor, [images]) for images in (faces, drawn(NUM_FACES, first=100), noise)
        )
        scores = score(real, no_faces, real_floor(real, others))
        assert scores.fid > 2 * scores.fid_floor
        assert scores.kid > scores.kid_floor + scores.kid_sd_floor
        assert scores.precision == scores.recall == 0
        assert min(scores.precision_floor, scores.recall_floor) > 0.3


class StandInInception(torch.nn.Module):
    """The constructor and call of torch-fidelity's class, with means of the pictures for features."""

    def __init__(self, name: str, features_list: list[str]) -> None:
        super().__init__()
        assert features_list == ["2048"]

    def forward(self, pixels: Tensor) -> tuple[Tensor]:
        assert pixels.dtype == torch.uint8
        return (pixels.float().mean(dim=(1, 2, 3))[:, None].expand(-1, 2048),)


class TestInceptionExtractor:
    @pytest.fixture
    def cached_weights(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Where the weights would be cached; torch-fidelity has a stand-in."""
        library = ModuleType(INCEPTION_MODULE)
        library.__dict__.update(URL_INCEPTION_V3=WEIGHTS_URL, FeatureExtractorInceptionV3=StandInInception)
        monkeypatch.setitem(sys.modules, "torch_fidelity", ModuleType("torch_fidelity"))
        monkeypatch.setitem(sys.modules, INCEPTION_MODULE, library)
        monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
        (tmp_path / "checkpoints").mkdir()
        return tmp_path / "checkpoints" / "inception.pth"

    def test_with_weights(self, cached_weights: Path) -> None:
        torch.save({"weight": torch.zeros(1)}, cached_weights)
        extractor = inception_extractor()
        found = features(extractor, [torch.full((20, 3, 8, 8), 1.0), torch.full((1, 3, 8, 8), -1.0)])
        assert found.shape == (21, extractor.size) == (21, 2048)
        assert found.extractor == extractor.name != packaged_extractor().name
        assert found[0, 0] == 255
        assert found[20, 0] == 0

    def test_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "torch_fidelity", None)
        with pytest.raises(ConfigError, match="pip install torch-fidelity"):
            inception_extractor()

    def test_no_weights(self, cached_weights: Path) -> None:
        with pytest.raises(HubError) as raised:
            inception_extractor()
        assert WEIGHTS_URL in str(raised.value)
        assert str(cached_weights) in str(raised.value)

    @pytest.mark.parametrize("content", [b"", b"no weights at all"])
    def test_damaged_weights(self, cached_weights: Path, content: bytes) -> None:
        cached_weights.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"inception\.pth is damaged"):
            inception_extractor()


class TestNamedFeatures:
    def test_the_name_stays(self) -> None:
        rows = named(normal(6))
        for kept in (rows[:3], rows[[0, 2]], rows[0], np.concatenate([rows, rows]), np.vstack([rows, rows[:1]])):
            assert isinstance(kept, Features)
            assert kept.extractor == "here"

    def test_another_name_is_refused(self) -> None:
        rows = named(normal(6))
        assert Features(rows, "here").extractor == "here"
        for other in ("there", ""):
            with pytest.raises(ConfigError, match="cannot be named"):
                Features(rows, other)

    @pytest.mark.parametrize(
        "measure",
        [
            frechet_distance,
            kernel_distance,
            precision_recall,
            nearest,
            real_floor,
            lambda real, fake: memorised_share(real, real, fake),
            lambda real, fake: np.concatenate([real, fake]),
            lambda real, fake: np.vstack(tup=[fake, real]),
        ],
    )
    def test_two_extractors_never_meet(self, measure: Callable[[np.ndarray, np.ndarray], object]) -> None:
        with pytest.raises(ConfigError, match=r"different extractors \(.*there.*"):
            measure(named(normal(9)), named(normal(9), "there"))

    def test_nor_do_named_and_unnamed_ones(self) -> None:
        with pytest.raises(ConfigError, match="here and an unnamed one"):
            frechet_distance(named(normal(9)), normal(9))

    @pytest.mark.parametrize("measure", [frechet_distance, kernel_distance, precision_recall, nearest])
    @pytest.mark.parametrize(
        ("fake", "message"),
        [
            (normal(9, width=5), r"\[9, 8\] and \[9, 5\]"),
            (normal(9)[0], r"\[8\]"),
            (normal(0), "at least"),
            (np.full((9, 8), np.nan), "NaN"),
        ],
    )
    def test_features_that_cannot_be_compared(
        self, measure: Callable[[np.ndarray, np.ndarray], object], fake: np.ndarray, message: str
    ) -> None:
        with pytest.raises(ConfigError, match=message):
            measure(normal(9), fake)

    @pytest.mark.parametrize("measure", [frechet_distance, kernel_distance])
    def test_one_picture_has_no_spread(self, measure: Callable[[np.ndarray, np.ndarray], object]) -> None:
        with pytest.raises(ConfigError, match="at least 2 pictures"):
            measure(normal(9), normal(1))


class TestFrechetDistance:
    def test_shift(self) -> None:
        rows, shift = whitened(50, 6), np.arange(6)
        assert frechet_distance(rows, rows + shift) == pytest.approx((shift**2).sum(), rel=1e-9)

    def test_scaling(self) -> None:
        """Each standard deviation s against another one, t, adds (s - t)^2."""
        rows, scales = whitened(50, 6), np.array([0.1, 0.5, 1, 2, 5, 100])
        assert frechet_distance(rows, rows * scales) == pytest.approx(((scales - 1) ** 2).sum(), rel=1e-9)

    def test_one_feature(self) -> None:
        real, fake = normal(40, 1), 3 * normal(30, 1, seed=1) + 2
        expected = (real.mean() - fake.mean()) ** 2 + (real.std(ddof=1) - fake.std(ddof=1)) ** 2
        assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize("seed", range(3))
    def test_against_the_root_of_a_matrix(self, seed: int) -> None:
        mixing = normal(6, 6, seed + 10)
        real, fake = normal(50, 6, seed), normal(60, 6, seed + 20) @ mixing + 1
        covariances = np.cov(real.T), np.cov(fake.T)
        root = linalg.sqrtm(covariances[0] @ covariances[1]).real
        expected = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
        assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-6)

    def test_fewer_pictures_than_features(self) -> None:
        """Singular covariances cost no precision: in a subspace the distance is the one of the subspace."""
        real, fake = normal(9, 4), 2 * normal(8, 4, seed=1)
        wide = np.linalg.qr(normal(300, 4, seed=2))[0].T  # an isometry from 4 to 300 features
        assert frechet_distance(real @ wide, fake @ wide) == pytest.approx(frechet_distance(real, fake), rel=1e-9)

    def test_same_and_swapped(self) -> None:
        rows, other = normal(20, 30), normal(40, 30, seed=1)
        assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-9)
        assert frechet_distance(rows, rows[::-1]) >= 0
        assert frechet_distance(rows, other) == pytest.approx(frechet_distance(other, rows), rel=1e-12)

    def test_pictures_that_are_all_the_same(self) -> None:
        """A collapsed generator has no spread at all: what is left is the mean and the spread of the real ones."""
        real = whitened(50, 6)
        assert frechet_distance(real, np.ones((50, 6))) == pytest.approx(6 + 6, rel=1e-9)


def looped_discrepancy(real: np.ndarray, fake: np.ndarray) -> float:
    """The unbiased squared maximum mean discrepancy as it is written down, pair by pair."""

    def kernel(one: np.ndarray, other: np.ndarray) -> float:
        return float((one @ other / len(one) + 1) ** 3)

    within = [np.mean([kernel(one, other) for one, other in combinations(rows, 2)]) for rows in (real, fake)]
    return float(sum(within) - 2 * np.mean([kernel(one, other) for one in real for other in fake]))


class TestKernelDistance:
    @pytest.mark.parametrize("seed", range(3))
    def test_against_loops(self, seed: int) -> None:
        real, fake = normal(12, 5, seed), normal(12, 5, seed + 10) * 1.5 + 0.5
        mean, deviation = kernel_distance(real, fake, num_subsets=1, subset_size=12)
        assert mean == pytest.approx(looped_discrepancy(real, fake), rel=1e-5)
        assert deviation == 0

    def test_unbiased(self) -> None:
        """Sets of one distribution are 0 apart on average, however few pictures they have."""
        distances = [
            kernel_distance(normal(6, 4, seed), normal(6, 4, seed + 1000), num_subsets=1, subset_size=6)[0]
            for seed in range(400)
        ]
        assert abs(np.mean(distances)) < 3 * np.std(distances) / np.sqrt(len(distances))
        assert min(distances) < 0

    def test_subsets(self) -> None:
        real, fake = normal(60), normal(80, seed=1) + 0.5
        mean, deviation = kernel_distance(real, fake, num_subsets=100, subset_size=20, seed=1)
        assert (mean, deviation) == kernel_distance(real, fake, num_subsets=100, subset_size=20, seed=1)
        assert (mean, deviation) != kernel_distance(real, fake, num_subsets=100, subset_size=20, seed=2)
        assert deviation > 0
        assert abs(mean - looped_discrepancy(real, fake)) < 4 * deviation / np.sqrt(100)
        assert kernel_distance(real, fake)[0] == pytest.approx(mean, abs=deviation)

    @pytest.mark.parametrize(("num_subsets", "subset_size"), [(0, 5), (1, 1), (1, 10)])
    def test_subsets_that_cannot_be_drawn(self, num_subsets: int, subset_size: int) -> None:
        with pytest.raises(ConfigError, match="2 to 9 pictures"):
            kernel_distance(normal(9), normal(12), num_subsets=num_subsets, subset_size=subset_size)


def looped_precision(real: np.ndarray, fake: np.ndarray, k: int) -> float:
    """Share of `fake` in a ball around one of `real`, one by one."""
    radii = [sorted(np.linalg.norm(row - other) for other in real)[k] for row in real]
    inside = [
        any(np.linalg.norm(row - centre) <= radius for centre, radius in zip(real, radii, strict=True)) for row in fake
    ]
    return float(np.mean(inside))


@pytest.fixture(params=[None, 50], ids=["one block", "small blocks"])
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param is not None:
        monkeypatch.setattr(neighbours, "BLOCK_SIZE", request.param)


@pytest.mark.usefixtures("_blocks")
class TestNeighbours:
    @pytest.mark.parametrize("k", [1, 3])
    def test_precision_and_recall_against_loops(self, k: int) -> None:
        real, fake = normal(40, 3), normal(31, 3, seed=1) + 0.9
        precision, recall = precision_recall(real, fake, k)
        assert precision == pytest.approx(looped_precision(real, fake, k))
        assert recall == pytest.approx(looped_precision(fake, real, k))
        assert 0 < min(precision, recall) < max(precision, recall) < 1

    def test_precision_and_recall_at_the_ends(self) -> None:
        real = normal(30)
        assert precision_recall(real, real[::-1]) == (1, 1)
        assert precision_recall(real, real + 1000) == (0, 0)
        collapsed = real[:1] + 1e-3 * normal(30, seed=1)
        precision, recall = precision_recall(real, collapsed)
        assert precision == 1
        assert recall <= 1 / 30

    def test_nearest_against_loops(self) -> None:
        train, queries = normal(37), normal(23, seed=1)
        distances, indices = nearest(train, queries)
        every = np.linalg.norm(queries[:, None] - train[None], axis=2)
        np.testing.assert_array_equal(indices, every.argmin(axis=1))
        np.testing.assert_allclose(distances, every.min(axis=1), rtol=1e-5)

    def test_what_is_equal_has_no_distance(self) -> None:
        """However far the features lie from zero, where products lose their digits."""
        train = normal(37).astype(np.float32) + 1000
        distances, indices = nearest(train, train[::-1])
        assert not distances.any()
        np.testing.assert_array_equal(indices, np.arange(37)[::-1])


@pytest.mark.parametrize("k", [0, 9])
def test_a_neighbour_that_there_is_not(k: int) -> None:
    with pytest.raises(ConfigError, match=f"k is {k}"):
        precision_recall(normal(9), normal(12), k)


class TestScores:
    def test_score_is_each_measure_beside_its_floor(self) -> None:
        real, others, fake = named(normal(40)), named(normal(30, seed=1)), named(normal(30, seed=2) + 0.5)
        floor = real_floor(real, others)
        scores = score(real, fake, floor)
        assert (scores.extractor, scores.num_real, scores.num_fake) == ("here", 40, 30)
        assert scores.fid == frechet_distance(real, fake)
        assert (scores.kid, scores.kid_sd) == kernel_distance(real, fake)
        assert (scores.precision, scores.recall) == precision_recall(real, fake)
        assert scores.fid_floor == floor.fid == frechet_distance(real, others)
        assert (scores.kid_floor, scores.kid_sd_floor) == (floor.kid, floor.kid_sd) == kernel_distance(real, others)
        assert (scores.precision_floor, scores.recall_floor) == precision_recall(real, others)
        assert scores.fid > scores.fid_floor

    def test_names_for_a_record(self) -> None:
        real, others = named(normal(40)), named(normal(40, seed=1))
        scores = score(real, others, real_floor(real, others))
        metrics = scores.metrics()
        assert metrics["fid/here"] == metrics["fid_floor/here"] == scores.fid
        assert len(metrics) == 10
        assert all(name.endswith("/here") for name in metrics)

    def test_features_have_to_be_named(self) -> None:
        with pytest.raises(ConfigError, match="do not say their extractor"):
            real_floor(normal(9), normal(9, seed=1))

    def test_floor_of_another_extractor(self) -> None:
        floor = real_floor(named(normal(9), "there"), named(normal(9, seed=1), "there"))
        with pytest.raises(ConfigError, match="measured with there, the pictures with here"):
            score(named(normal(9)), named(normal(9, seed=1)), floor)

    def test_floor_of_other_numbers(self) -> None:
        floor = real_floor(named(normal(9)), named(normal(8, seed=1)))
        with pytest.raises(ConfigError, match="9 pictures with 8, the score 9 with 12"):
            score(named(normal(9)), named(normal(12, seed=1)), floor)


class TestMemorisedShare:
    def test_new_samples_are_as_near_as_held_out_ones(self) -> None:
        found = memorised_share(named(normal(300)), named(normal(400, seed=1)), named(normal(400, seed=2)))
        assert (found.extractor, found.num_train, found.num_held_out, found.num_samples) == ("here", 300, 400, 400)
        assert found.base_rate == 0.5
        assert found.share == pytest.approx(0.5, abs=0.1)

    def test_copies_and_strangers(self) -> None:
        train, held_out = normal(300), normal(400, seed=1)
        assert memorised_share(train, held_out, train[:50]).share == 1
        assert memorised_share(train, held_out, normal(50, seed=2) + 20).share == 0
        mixed = np.concatenate([train[:10], normal(90, seed=2) + 20])
        assert memorised_share(train, held_out, mixed).share == pytest.approx(0.1)

    def test_copies_show_at_a_low_quantile(self) -> None:
        train, held_out, fresh = normal(300), normal(400, seed=1), normal(90, seed=2)
        found = memorised_share(train, held_out, np.concatenate([train[:10], fresh]), quantile=0.01)
        assert found.base_rate == pytest.approx(0.01)
        assert found.share == pytest.approx(0.1, abs=0.03)
        assert found.threshold < memorised_share(train, held_out, fresh).threshold

    @pytest.mark.parametrize("quantile", [0.0, 1.0])
    def test_quantile_outside(self, quantile: float) -> None:
        with pytest.raises(ConfigError, match="between 0 and 1"):
            memorised_share(normal(9), normal(9), normal(9), quantile=quantile)
