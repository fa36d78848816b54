"""Drawn faces are repeatable, tell characters and emotions apart, and make datasets that load."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, load_dataset
from datasets import Image as ImageFeature
from PIL import Image

from anime_models.drawn_faces import EMOTIONS, SEXES, describe_face, draw_face, draw_scene, make_dataset
from anime_models.errors import ConfigError, DatasetError

SPLITS = ("train", "validation", "test")


def thumbnail(image: Image.Image, side: int = 16) -> np.ndarray:
    return np.asarray(image.resize((side, side), Image.Resampling.BOX), dtype=np.float64) / 255


def centre(image: Image.Image) -> np.ndarray:
    """The part inside the hair, at eight pixels for the face's width."""
    width, height = image.size
    return thumbnail(image.crop((width // 4, height // 4, 3 * width // 4, 4 * height // 5)), 24)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first - second).mean())


def test_same_arguments_draw_the_same_picture() -> None:
    first, second = (draw_face(identity=3, emotion="Sad", sex="male", size=64, seed=5) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    scenes = [draw_scene(seed=4, num_faces=2, size=(120, 90)) for _ in range(2)]
    assert scenes[0][0].tobytes() == scenes[1][0].tobytes()
    assert scenes[0][1] == scenes[1][1]


def test_seed_changes_the_drawing_but_not_the_character() -> None:
    pictures = {draw_face(identity=3, size=48, seed=seed).tobytes() for seed in range(6)}
    assert len(pictures) == 6
    drawn = [describe_face(identity=3, seed=seed) for seed in range(6)]
    assert len({(face.hair_style, face.hair_colour, face.eye_colour, face.accessory) for face in drawn}) == 1


@pytest.mark.parametrize("size", [32, 33, 96, 160, 257, 1024])
def test_sizes(size: int) -> None:
    image = draw_face(identity=1, emotion="Scared", size=size)
    assert (image.mode, image.size) == ("RGB", (size, size))


def test_a_face_is_the_same_drawing_at_every_size() -> None:
    small, large = (draw_face(identity=2, size=size, seed=3) for size in (96, 320))
    assert distance(thumbnail(small), thumbnail(large)) < 0.04


@pytest.mark.parametrize("sex", SEXES)
@pytest.mark.parametrize("identity", range(5))
def test_every_emotion_is_drawn_differently(identity: int, sex: str) -> None:
    faces = [centre(draw_face(identity=identity, emotion=mood, sex=sex, size=64)) for mood in (None, *EMOTIONS)]
    for i, first in enumerate(faces):
        for second in faces[:i]:
            assert distance(first, second) > 0.01


def test_sexes_are_drawn_differently() -> None:
    for identity in range(6):
        female, male = (draw_face(identity=identity, sex=sex, size=64) for sex in SEXES)
        assert distance(centre(female), centre(male)) > 0.02


def test_all_variants_draw() -> None:
    mouths = set()
    for seed in range(8):
        for emotion in (None, *EMOTIONS):
            draw_face(identity=seed, emotion=emotion, sex=SEXES[seed % 2], size=32, seed=seed)
            mouths.add(describe_face(identity=seed, emotion=emotion, sex=SEXES[seed % 2], seed=seed).mouth)
    assert len(mouths) >= 14


def test_pixels_tell_identities_apart() -> None:
    """Nearest neighbour on 16 x 16 pixels; chance would be 1 in 6."""

    def drawings(seeds: range) -> tuple[np.ndarray, np.ndarray]:
        faces = [(i, draw_face(identity=i, emotion=EMOTIONS[s % 6], size=48, seed=s)) for i in range(6) for s in seeds]
        return np.array([thumbnail(face).ravel() for _, face in faces]), np.array([i for i, _ in faces])

    known, labels = drawings(range(8))
    new, expected = drawings(range(50, 54))
    nearest = ((new[:, None] - known[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert (labels[nearest] == expected).mean() > 0.85


@pytest.mark.parametrize("num_faces", range(5))
@pytest.mark.parametrize("size", [(320, 240), (200, 360), (64, 64)])
def test_scene_boxes_lie_inside_and_apart(num_faces: int, size: tuple[int, int]) -> None:
    for seed in range(3):
        image, boxes = draw_scene(seed=seed, num_faces=num_faces, size=size)
        assert (image.mode, image.size, len(boxes)) == ("RGB", size, num_faces)
        for x0, y0, x1, y1 in boxes:
            assert 0 <= x0 < x1 <= size[0]
            assert 0 <= y0 < y1 <= size[1]
            assert 0.6 < (x1 - x0) / (y1 - y0) < 1.6
        for i, first in enumerate(boxes):
            for second in boxes[:i]:
                overlap_x = min(first[2], second[2]) - max(first[0], second[0])
                overlap_y = min(first[3], second[3]) - max(first[1], second[1])
                assert min(overlap_x, overlap_y) <= 0


def test_scene_boxes_hold_faces() -> None:
    """Below the eyes there is skin, redder than green and greener than blue, unless the face is pale with fright."""
    found = 0
    for seed in range(12):
        image, [(x0, y0, x1, y1)] = draw_scene(seed=seed, num_faces=1, size=(160, 120))
        middle = (x0 + 0.4 * (x1 - x0), y0 + 0.6 * (y1 - y0), x0 + 0.6 * (x1 - x0), y0 + 0.7 * (y1 - y0))
        red, green, blue = np.asarray(image.resize((1, 1), Image.Resampling.BOX, box=middle), dtype=int)[0, 0]
        found += bool(red > green > blue)
    assert found >= 8


@pytest.mark.parametrize(
    "arguments",
    [
        {"emotion": "Bored"},
        {"sex": "other"},
        {"size": 31},
        {"size": 1025},
        {"identity": -1},
        {"seed": -1},
    ],
)
def test_bad_arguments_of_a_face(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="choose"):
        draw_face(**{"identity": 0, **arguments})


@pytest.mark.parametrize(
    "arguments", [{"num_faces": 5}, {"num_faces": -1}, {"size": (10, 100)}, {"size": (100, 5000)}, {"seed": -1}]
)
def test_bad_arguments_of_a_scene(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="choose"):
        draw_scene(**{"seed": 0, "num_faces": 1, "size": (100, 100), **arguments})


@pytest.mark.parametrize(
    "arguments",
    [
        {"task": "age"},
        {"num_identities": 1},
        {"images_per_identity": 2},
        {"task": "emotion", "images_per_identity": 5},
        {"size": 16},
        {"seed": -1},
    ],
)
def test_bad_arguments_of_a_dataset(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        make_dataset(tmp_path, **arguments)
    assert not list(tmp_path.iterdir())


def loaded(folder: Path, cache: Path) -> Any:
    files = {split: str(folder / f"{split}.parquet") for split in SPLITS}
    return load_dataset("parquet", data_files=files, cache_dir=str(cache))


def test_character_dataset(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "data", num_identities=4, images_per_identity=8, size=32)
    splits = loaded(folder, tmp_path / "cache")
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 24, "validation": 4, "test": 4}
    features = splits["train"].features
    assert isinstance(features["image"], ImageFeature)
    assert isinstance(features["label"], ClassLabel)
    assert features["label"].names == ["Character 000", "Character 001", "Character 002", "Character 003"]
    row = splits["train"][0]
    assert row["image"].size == (32, 32)
    assert row["character"] == features["label"].int2str(row["label"])
    assert set(row) == {"image", "label", "character", "series", "source", "group"}
    for rows in splits.values():
        assert set(rows["label"]) == {0, 1, 2, 3}
    assert_groups_apart(splits)
    groups = [group for rows in splits.values() for group in rows["group"]]
    assert len(set(groups)) == len(groups)


def test_emotion_dataset(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "data", task="emotion", num_identities=4, images_per_identity=6, size=32)
    splits = loaded(folder, tmp_path / "cache")
    assert splits["train"].features["label"].names == list(EMOTIONS)
    for rows in splits.values():
        assert set(rows["label"]) == set(range(6))
    assert_groups_apart(splits)
    assert_groups_apart(splits, "character")


def assert_groups_apart(splits: Any, column: str = "group") -> None:
    groups = [set(splits[name][column]) for name in SPLITS]
    assert len(set.union(*groups)) == sum(map(len, groups))


def test_card_tells_datasets_where_the_splits_are(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "data", num_identities=2, images_per_identity=3, size=32)
    splits = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert list(splits) == list(SPLITS)
    card = (folder / "README.md").read_text()
    assert "license: apache-2.0" in card
    assert f"num_bytes: {(folder / 'train.parquet').stat().st_size}" in card


def test_dataset_is_repeatable_and_replaced(tmp_path: Path) -> None:
    def make(seed: int) -> bytes:
        make_dataset(tmp_path, num_identities=2, images_per_identity=3, size=32, seed=seed)
        return (tmp_path / "test.parquet").read_bytes()

    first, other, again = make(0), make(1), make(0)
    assert first == again != other
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", *(f"{split}.parquet" for split in SPLITS)}


def test_dataset_into_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DatasetError, match="another folder"):
        make_dataset(tmp_path / "taken", num_identities=2, images_per_identity=3, size=32)
