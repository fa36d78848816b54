"""Scores that tell strangers, the thresholds on them, and the faces that they are learnt and measured on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from anime_models.errors import ConfigError, DatasetError
from anime_models.face_datasets import FaceDataset
from anime_models.strangers import (
    METHODS,
    Method,
    best_method,
    class_means,
    recognised_at,
    stranger_scores,
    threshold_at,
)
from tests.parquet_files import write_split
from tests.small_models import noise
from training.classification import strangers as training_strangers
from training.classification.strangers import (
    Strangers,
    difference_hashes,
    load_strangers,
    strangers_of_fold,
    without_duplicates,
)

NUM_CLASSES = 3


class TestScores:
    def test_energy_by_hand(self) -> None:
        outputs = np.log([[1.0, 2.0, 3.0, 50.0]])
        scores = stranger_scores("energy", outputs, np.zeros((1, 2)), None, NUM_CLASSES)
        np.testing.assert_allclose(scores, -np.log([6.0]))

    def test_extra_class_by_hand(self) -> None:
        """The log odds of the extra output against all classes."""
        outputs = np.log([[1.0, 2.0, 3.0, 12.0]])
        scores = stranger_scores("extra_class", outputs, np.zeros((1, 2)), None, NUM_CLASSES)
        np.testing.assert_allclose(scores, np.log([2.0]))

    def test_distance_by_hand(self) -> None:
        """One minus the cosine to the nearest mean, whatever the length of the features."""
        means = np.eye(3)[:2]
        features = np.array([[5.0, 0.0, 0.0], [3.0, 4.0, 0.0], [0.0, 0.0, 0.1], [0.0, 0.0, 0.0]])
        scores = stranger_scores("distance", np.zeros((4, 2)), features, means, 2)
        np.testing.assert_allclose(scores, [0, 0.2, 1, 1])

    def test_class_means_are_unit_vectors_of_their_class(self) -> None:
        features = np.array([[2.0, 0.0], [10.0, 0.0], [0.0, 3.0], [1.0, 1.0]])
        means = class_means(features, np.array([0, 0, 1, 1]), 2)
        np.testing.assert_allclose(np.linalg.norm(means, axis=1), 1)
        np.testing.assert_allclose(means[0], [1, 0])
        assert means[1, 1] > means[1, 0] > 0

    @pytest.mark.parametrize("method", METHODS)
    def test_strangers_score_higher(self, method: Method) -> None:
        """Known faces near the means with strong logits; strangers anywhere, with weak ones."""
        rng = np.random.default_rng(0)
        means = class_means(rng.normal(size=(NUM_CLASSES, 16)), np.arange(NUM_CLASSES), NUM_CLASSES)
        labels = rng.integers(0, NUM_CLASSES, 100)
        known = means[labels] * 8 + rng.normal(size=(100, 16))
        strangers = rng.normal(size=(100, 16))
        scores = [
            stranger_scores(method, np.c_[4 * features @ means.T, np.zeros(100)], features, means, NUM_CLASSES)
            for features in (known, strangers)
        ]
        assert all(each.shape == (100,) for each in scores)
        assert roc_auc_score([0] * 100 + [1] * 100, np.concatenate(scores)) > 0.9

    def test_what_a_method_needs_it_asks_for(self) -> None:
        outputs, features = np.zeros((1, NUM_CLASSES)), np.zeros((1, 2))
        with pytest.raises(ConfigError, match="no output for strangers"):
            stranger_scores("extra_class", outputs, features, None, NUM_CLASSES)
        with pytest.raises(ConfigError, match="needs the class means"):
            stranger_scores("distance", outputs, features, None, NUM_CLASSES)


class TestThresholds:
    def test_the_share_of_known_faces_above(self) -> None:
        known = np.random.default_rng(0).normal(size=1000)
        for rate in (0.01, 0.05, 0.2):
            assert (known > threshold_at(known, rate)).mean() == pytest.approx(rate, abs=0.001)

    def test_recognised_share(self) -> None:
        known = np.linspace(0, 1, 101)
        assert recognised_at(known, np.array([0.5, 0.94, 0.96, 2.0])) == 0.5
        assert recognised_at(known, np.array([-1.0])) == 0

    def test_the_best_method_has_the_highest_area(self) -> None:
        known: dict[Method, np.ndarray] = {"energy": np.array([0.0, 1.0]), "distance": np.array([0.0, 1.0])}
        strangers: dict[Method, np.ndarray] = {"energy": np.array([0.5, 2.0]), "distance": np.array([2.0, 3.0])}
        assert best_method(known, strangers) == "distance"
        assert best_method({"energy": known["energy"]}, {"energy": strangers["energy"]}) == "energy"


def faces(seeds: list[int], groups: list[str] | None = None) -> FaceDataset:
    names = tuple(f"set/train/{seed}" for seed in seeds)
    return FaceDataset(
        images=tuple(noise(seed) for seed in seeds),
        labels=np.full(len(seeds), -1),
        label_names=(),
        ids=names,
        groups=tuple(groups) if groups is not None else names,
        sources=("somewhere",) * len(seeds),
    )


class TestDuplicates:
    def test_copies_are_found_after_resizing_and_recolouring(self) -> None:
        original = faces([1])
        changed = original.images[0].resize((48, 48)).point([int(value * 0.9) for value in range(256)] * 3)
        copies = FaceDataset((changed,), original.labels, (), original.ids, original.groups, original.sources)
        assert len(without_duplicates(copies, difference_hashes(original))) == 0

    def test_other_pictures_stay(self) -> None:
        many = faces(list(range(2, 30)))
        assert without_duplicates(many, difference_hashes(faces([1]))).ids == many.ids

    def test_hashes_by_hand(self) -> None:
        falling = Image.fromarray(np.tile(np.linspace(255, 0, 90).astype(np.uint8), (80, 1))).convert("RGB")
        rising = falling.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pair = FaceDataset((falling, rising), np.array([-1, -1]), (), ("a", "b"), ("a", "b"), ("", ""))
        assert difference_hashes(pair).tolist() == [[True] * 64, [False] * 64]

    def test_where_there_is_no_picture_none_is_left_out(self) -> None:
        none, some = faces([]), faces([0, 1])
        assert difference_hashes(none).shape == (0, 64)
        assert without_duplicates(some, difference_hashes(none)).ids == some.ids
        assert len(without_duplicates(none, difference_hashes(some))) == 0


class TestNeutral:
    def test_they_are_the_dataset_s_own(self, tmp_path: Path) -> None:
        for seed, split in enumerate(("train", "validation", "test")):
            write_split(tmp_path / f"neutral_{split}.parquet", [noise(seed), noise(10 + seed)], group=["a", "b"])
        strangers = load_strangers("neutral", tmp_path)
        assert [len(strangers.split(split)) for split in ("train", "validation", "test")] == [2, 2, 2]
        assert strangers.test.images[0].tobytes() == noise(2).tobytes()

    def test_without_them(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"neutral_train\.parquet does not exist"):
            load_strangers("neutral", tmp_path)

    def test_an_unknown_kind(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="no strangers called 'ghosts'"):
            load_strangers("ghosts", tmp_path)


class TestOtherFaces:
    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Small stand-ins of the three sets that strangers come from, with copies where none must stay."""
        monkeypatch.setattr(training_strangers, "NUM_GETCHU_TRAIN", 6)
        monkeypatch.setattr(training_strangers, "NUM_GETCHU_VALIDATION", 3)
        groups = ["x/known", "sk/Miku", "x/b", "x/c"]
        names = ("Angry", "Happy")
        for start, split in ((0, "train"), (10, "validation"), (20, "test")):
            images = [noise(start + i) for i in range(4)]
            if split == "train":
                images[3] = noise(22)  # a picture of the test split
            write_split(
                tmp_path / "emotions" / f"{split}.parquet",
                images,
                labels=[0, 1, 0, 1],
                names=names,
                group=[f"{split}/{group}" if group != "sk/Miku" else group for group in groups],
                source=["x"] * 4,
            )
        sources = ["getchu", "getchu", "getchu", "other"] * 12
        write_split(tmp_path / "faces64" / "train.parquet", [noise(100 + i) for i in range(48)], source=sources)
        write_split(tmp_path / "faces64" / "validation.parquet", [noise(200 + i) for i in range(4)], source=sources[:4])
        write_split(tmp_path / "gender" / "test.parquet", [noise(300 + i) for i in range(3)], source=["g"] * 3)
        # Copies of one picture of each test part.
        gender = [*(noise(310 + i) for i in range(7)), noise(200), noise(301), noise(23)]
        write_split(tmp_path / "gender" / "train.parquet", gender, source=["g"] * 10)
        return tmp_path

    def test_every_part_contributes(self, root: Path) -> None:
        strangers = load_strangers("faces", root / "characters")
        sources = {split: sorted(set(strangers.split(split).sources)) for split in ("train", "validation", "test")}
        assert list(sources.values()) == [["emotions:x", "faces64:getchu", "gender:g"]] * 3
        assert len(strangers.test) == 3 + 3 + 3
        assert (strangers.train.labels == -1).all()

    def test_the_faces_with_emotions_can_be_left_out(self, root: Path) -> None:
        strangers = load_strangers("faces-no-emotions", root / "characters")
        for split in ("train", "validation", "test"):
            assert set(strangers.split(split).sources) == {"faces64:getchu", "gender:g"}

    def test_faces_of_known_characters_are_no_strangers(self, root: Path) -> None:
        strangers = load_strangers("faces", root / "characters")
        for split in ("train", "validation", "test"):
            assert "sk/Miku" not in strangers.split(split).groups

    def test_no_picture_has_a_copy_in_a_later_split(self, root: Path) -> None:
        strangers = load_strangers("faces", root / "characters")
        content = [{image.tobytes() for image in strangers.split(s).images} for s in ("train", "validation", "test")]
        assert [len(part) for part in content] == [len(strangers.train), len(strangers.validation), len(strangers.test)]
        assert not content[0] & content[1]
        assert not content[0] & content[2]
        assert not content[1] & content[2]
        planted = {noise(seed).tobytes() for seed in (22, 200, 301, 23)}
        assert planted <= content[2]

    def test_it_is_the_same_every_time(self, root: Path) -> None:
        first, second = (load_strangers("faces", root / "characters") for _ in range(2))
        for split in ("train", "validation", "test"):
            assert first.split(split).ids == second.split(split).ids


def test_strangers_of_a_fold_go_with_the_known_faces_of_their_group() -> None:
    strangers = Strangers(faces([1, 2], ["a", "b"]), faces([3], ["c"]), faces([4, 5], ["d", "b"]))
    fold = {
        "train": faces([11], ["a"]),
        "validation": faces([12, 13], ["b", "b"]),
        "test": faces([14], ["c"]),
    }
    dealt = strangers_of_fold(strangers, fold)
    assert dealt.validation.groups == ("b", "b")
    assert dealt.test.groups == ("c",)
    assert sorted(dealt.train.groups) == ["a", "d"]
