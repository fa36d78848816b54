"""Copies of training faces are told from new faces; an index is small and loads strictly."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from anime_models import novelty
from anime_models.drawn_faces import draw_face
from anime_models.errors import CheckpointError, ConfigError
from anime_models.gan_metrics import FeatureExtractor, Features, features, nearest, packaged_extractor
from anime_models.novelty import NoveltyIndex
from anime_models.picture_tensors import to_tensor

SIZE = 64
NUM_TRAIN, NUM_HELD_OUT, NUM_OTHERS = 50, 30, 20
METADATA = {"format_version": "1", "extractor": "here"}


def normal(count: int, width: int = 8, seed: int = 0, extractor: str = "here") -> Features:
    return Features(np.random.default_rng(seed).standard_normal((count, width)), extractor)


def drawn(first: int, count: int) -> list[Image.Image]:
    return [draw_face(identity=number, size=SIZE, seed=number) for number in range(first, first + count)]


def recoded(picture: Image.Image) -> Image.Image:
    """The picture after lossy compression."""
    file = BytesIO()
    picture.save(file, format="JPEG", quality=90)
    return Image.open(file).convert("RGB")


@pytest.fixture
def index() -> NoveltyIndex:
    return NoveltyIndex.build(normal(50), normal(40, seed=1), dims=5)


@pytest.fixture
def stored(index: NoveltyIndex, tmp_path: Path) -> Path:
    index.save(tmp_path / "novelty.safetensors")
    return tmp_path / "novelty.safetensors"


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    return packaged_extractor()


@pytest.fixture(scope="module")
def train() -> list[Image.Image]:
    return drawn(0, NUM_TRAIN)


@pytest.fixture(scope="module")
def faces_index(extractor: FeatureExtractor, train: list[Image.Image]) -> NoveltyIndex:
    return NoveltyIndex.build(of(extractor, train), of(extractor, drawn(NUM_TRAIN, NUM_HELD_OUT)))


def of(extractor: FeatureExtractor, pictures: Sequence[Image.Image]) -> Features:
    return features(extractor, [to_tensor(pictures, SIZE)])


class TestFaces:
    """With the packaged extractor, on drawn faces of characters that are all different."""

    def test_training_faces(
        self, extractor: FeatureExtractor, train: list[Image.Image], faces_index: NoveltyIndex
    ) -> None:
        usual = np.median(faces_index.held_out)
        for found in faces_index.distances(of(extractor, train[:10])):
            assert found.distance < 0.05 * usual
            assert found.percentile == 0

    def test_training_faces_encoded_again(
        self, extractor: FeatureExtractor, train: list[Image.Image], faces_index: NoveltyIndex
    ) -> None:
        copies = faces_index.distances(of(extractor, [recoded(picture) for picture in train[:10]]))
        assert np.median([found.distance for found in copies]) < 0.5 * np.median(faces_index.held_out)
        assert np.median([found.percentile for found in copies]) < 5
        assert max(found.percentile for found in copies) < 25

    def test_other_faces(self, extractor: FeatureExtractor, faces_index: NoveltyIndex) -> None:
        others = faces_index.distances(of(extractor, drawn(1000, NUM_OTHERS)))
        assert np.mean([found.percentile for found in others]) == pytest.approx(50, abs=20)


class TestDistances:
    def test_all_components_give_the_distances_of_the_features(self) -> None:
        train, held_out, asked = normal(50), normal(40, seed=1), normal(30, seed=2)
        index = NoveltyIndex.build(train, held_out, dims=8)
        expected, usual = nearest(train, asked)[0], nearest(train, held_out)[0]
        for found, distance in zip(index.distances(asked), expected, strict=True):
            assert found.distance == pytest.approx(distance, abs=0.03)
            assert found.percentile == pytest.approx(100 * (usual < distance).mean(), abs=6)

    def test_few_components_keep_what_varies_most(self) -> None:
        wide = np.array([10, 5, *([0.01] * 20)])
        train, held_out, asked = (Features(normal(60, 22, seed) * wide, "here") for seed in range(3))
        index = NoveltyIndex.build(train, held_out, dims=2)
        found = [entry.distance for entry in index.distances(asked)]
        np.testing.assert_allclose(found, nearest(train, asked)[0], atol=0.3)

    def test_one_face_alone_and_among_others(self, index: NoveltyIndex) -> None:
        asked = normal(6, seed=2)
        together = index.distances(asked)
        for row, expected in zip(asked, together, strict=True):
            alone = index.distance(row)
            assert alone.distance == pytest.approx(expected.distance, rel=1e-5)
            assert alone.percentile == expected.percentile
        assert index.distance(asked[:1]).percentile == together[0].percentile

    def test_percentiles_of_the_held_out_faces_themselves(self) -> None:
        held_out = normal(40, seed=1)
        index = NoveltyIndex.build(normal(50), held_out, dims=5)
        found = sorted(entry.percentile for entry in index.distances(held_out))
        np.testing.assert_allclose(found, 100 * np.arange(40) / 40, atol=1e-6)

    def test_the_ends_of_the_scale(self, index: NoveltyIndex) -> None:
        far = Features(np.full(8, 1000.0), "here")
        assert index.distance(far).percentile == 100
        assert index.distance(normal(50)[3]).percentile == 0

    def test_fewer_faces_than_components(self) -> None:
        index = NoveltyIndex.build(normal(4), normal(3, seed=1))
        assert index.components.shape == (3, 8)
        assert index.distance(normal(4)[2]).distance == pytest.approx(0, abs=0.05)

    def test_training_faces_that_are_all_the_same(self) -> None:
        index = NoveltyIndex.build(Features(np.ones((5, 8)), "here"), normal(3, seed=1))
        assert index.distance(Features(np.ones(8), "here")).distance == pytest.approx(0, abs=1e-3)


class TestRefused:
    def test_faces_of_another_extractor(self, index: NoveltyIndex) -> None:
        with pytest.raises(ConfigError, match="features of here, these are of there"):
            index.distance(normal(1, extractor="there"))
        with pytest.raises(ConfigError, match="an unnamed extractor"):
            index.distances(np.zeros((2, 8)))

    def test_faces_of_another_shape(self, index: NoveltyIndex) -> None:
        with pytest.raises(ConfigError, match=r"\[2, 8\]; give those of one picture, \[8\]"):
            index.distance(normal(2))
        with pytest.raises(ConfigError, match=r"\[2, 7\] and \[1, 8\]"):
            index.distances(normal(2, width=7))

    @pytest.mark.parametrize(
        ("train", "held_out", "dims", "message"),
        [
            (np.zeros((5, 8)), np.zeros((5, 8)), 4, "do not say their extractor"),
            (normal(5), normal(5, extractor="there"), 4, "different extractors"),
            (normal(5), normal(5, width=7), 4, "one width"),
            (normal(1), normal(5), 4, "at least 2"),
            (normal(5), normal(5), 0, "dims is 0"),
        ],
    )
    def test_what_no_index_is_built_of(self, train: np.ndarray, held_out: np.ndarray, dims: int, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            NoveltyIndex.build(train, held_out, dims=dims)


class TestFile:
    def test_stored_and_loaded(self, index: NoveltyIndex, stored: Path) -> None:
        loaded = NoveltyIndex.load(stored)
        assert loaded.extractor == "here"
        assert loaded.distances(normal(9, seed=2)) == index.distances(normal(9, seed=2))
        assert [path.name for path in stored.parent.iterdir()] == [stored.name]

    def test_a_byte_for_each_component(self, tmp_path: Path) -> None:
        small, large = tmp_path / "small.safetensors", tmp_path / "new" / "large.safetensors"
        NoveltyIndex.build(normal(100, 70), normal(9, 70)).save(small)
        NoveltyIndex.build(normal(1100, 70), normal(9, 70)).save(large)
        assert large.stat().st_size - small.stat().st_size == pytest.approx(64 * 1000, abs=50)

    def test_a_write_that_fails_leaves_the_old_file(
        self, index: NoveltyIndex, stored: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = stored.read_bytes()

        def fail(tensors: dict[str, np.ndarray], path: Path, metadata: dict[str, str]) -> None:
            path.write_bytes(b"half")
            raise OSError("disk full")

        monkeypatch.setattr(novelty, "save_file", fail)
        with pytest.raises(OSError, match="disk full"):
            index.save(stored)
        assert stored.read_bytes() == before

    @pytest.mark.parametrize(
        ("changes", "metadata", "message"),
        [
            ({"step": None}, METADATA, "the key step is missing"),
            ({"pictures": np.zeros(3)}, METADATA, "the key pictures is unexpected"),
            ({"mean": np.zeros(7, np.float32)}, METADATA, r"the key components does not fit .* \[5, 8\]"),
            ({"train": np.zeros((9, 5), np.float32)}, METADATA, "the key train does not fit .* float32"),
            ({"train": np.zeros((0, 5), np.uint8)}, METADATA, "the key train does not fit"),
            ({"held_out": np.zeros((4, 1), np.float32)}, METADATA, "the key held_out does not fit"),
            ({"lowest": np.full(5, np.nan, np.float32)}, METADATA, "the key lowest holds NaN"),
            ({}, {"format_version": "1"}, "the key extractor is missing"),
            ({}, {"format_version": "2", "extractor": "here"}, "the key format_version is '2' instead of '1'"),
            ({}, None, "the key format_version is None"),
        ],
    )
    def test_what_does_not_load(
        self, stored: Path, changes: dict[str, Any], metadata: dict[str, str] | None, message: str
    ) -> None:
        tensors = {key: value for key, value in {**load_file(stored), **changes}.items() if value is not None}
        save_file(tensors, stored, metadata=metadata)
        with pytest.raises(CheckpointError, match=message) as raised:
            NoveltyIndex.load(stored)
        assert str(stored) in str(raised.value)

    @pytest.mark.parametrize("length", [0, 20, 500])
    def test_damaged(self, stored: Path, length: int) -> None:
        stored.write_bytes(stored.read_bytes()[:length])
        with pytest.raises(CheckpointError, match=r"novelty\.safetensors is damaged"):
            NoveltyIndex.load(stored)

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(CheckpointError, match=r"none\.safetensors does not exist"):
            NoveltyIndex.load(tmp_path / "none.safetensors")
