"""Known characters in the emotion and sticker sets beside a character set."""

from pathlib import Path

import pytest

from anime_models.errors import DatasetError
from tests.parquet_files import write_split
from tests.small_models import noise
from training.classification.other_source import other_source

LABELS = ("Hakurei Reimu", "Hatsune Miku", "Somebody")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Characters; beside them emotions and stickers with known ones, unknown ones and copies."""
    for start, split in ((0, "train"), (10, "validation"), (20, "test")):
        write_split(tmp_path / "characters" / f"{split}.parquet", [noise(start + i) for i in range(3)])
    emotions = tmp_path / "emotions"
    write_split(
        emotions / "train.parquet",
        [noise(100), noise(101), noise(102), noise(1), noise(103)],
        group=["dm/reimu", "p3/aigis", "sk/Miku", "dm/reimu", "x/other"],
    )
    write_split(emotions / "neutral_test.parquet", [noise(104), noise(100)], group=["dm/reimu", "dm/reimu"])
    write_split(
        tmp_path / "stickers" / "test.parquet",
        [noise(200), noise(201), noise(21)],
        labels=[1, 0, 1],
        names=["KAITO", "Hatsune Miku"],
        character=["Hatsune Miku", "KAITO", "Hatsune Miku"],
    )
    return tmp_path / "characters"


def test_the_known_characters_are_found(data: Path) -> None:
    """Reimu twice: of four, one is a copy and one a training picture. Miku from the stickers alone."""
    faces = other_source(data, LABELS)
    assert faces is not None
    assert faces.label_names == LABELS
    content = dict(zip((image.tobytes() for image in faces.images), faces.labels.tolist(), strict=True))
    assert content == {noise(100).tobytes(): 0, noise(104).tobytes(): 0, noise(200).tobytes(): 1}
    assert len(faces) == 3


def test_labels_count_in_the_given_classes(data: Path) -> None:
    faces = other_source(data, ("Aigis", "Nobody"))
    assert faces is not None
    assert faces.labels.tolist() == [0]
    assert faces.images[0].tobytes() == noise(101).tobytes()


def test_where_there_is_nothing(data: Path, tmp_path: Path) -> None:
    assert other_source(data, ("Nobody",)) is None
    assert other_source(tmp_path / "elsewhere" / "characters", LABELS) is None


def test_a_broken_file_is_named(data: Path) -> None:
    (data.parent / "stickers" / "train.parquet").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"stickers/train\.parquet cannot be read"):
        other_source(data, LABELS)
