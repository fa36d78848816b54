"""One picture in, every face read: with stand-ins for the three models, so that only the reading is tested."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from anime_models.classifier import Candidate, Classifier, Prediction, Verdict
from anime_models.faces import Face, FaceDetector, crop_face
from anime_models.preprocessing import Preprocessing
from anime_models.reader import FaceReader
from tests.small_models import make_config, noise, write_checkpoint

IMAGE = noise(0, (200, 120))
FACES = [
    Face((10.0, 10.0, 50.0, 60.0), 0.9),
    Face((100.0, 20.0, 140.0, 60.0), 0.7),
    Face((0.0, 80.0, 30.0, 110.0), 0.4),
]


@dataclasses.dataclass
class FakeDetector:
    """Finds the faces that it was made with, or those of them above a threshold."""

    faces: list[Face]

    def detect(self, image: Image.Image, threshold: float | None = None) -> list[Face]:
        return [face for face in self.faces if face.score >= (0.5 if threshold is None else threshold)]


class FakeClassifier:
    """Answers with a name and a number, so that every answer can be traced to its crop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.config = make_config()
        self.calls: list[tuple[list[Image.Image], float | None]] = []

    def predict(self, crops: Sequence[Image.Image], abstain_below: float | None = None) -> list[Prediction]:
        self.calls.append((list(crops), abstain_below))
        labels = [f"{self.name} of {number}" for number in range(len(crops))]
        return [Prediction((Candidate(label, 1.0),), Verdict.LABEL, (label,), 0.0) for label in labels]


def make_reader(faces: list[Face]) -> tuple[FaceReader, FakeClassifier, FakeClassifier]:
    character, emotion = FakeClassifier("character"), FakeClassifier("emotion")
    reader = FaceReader(cast(FaceDetector, FakeDetector(faces)), cast(Classifier, character), cast(Classifier, emotion))
    return reader, character, emotion


def test_every_face_is_numbered_cropped_and_read_by_both() -> None:
    reader, _, _ = make_reader(FACES[:2])
    reading = reader.read(IMAGE)
    assert not reading.whole_picture
    assert reading.image is IMAGE
    assert [face.number for face in reading.faces] == [1, 2]
    assert [face.face for face in reading.faces] == FACES[:2]
    for index, face in enumerate(reading.faces):
        assert face.crop.tobytes() == crop_face(IMAGE, FACES[index].box).tobytes()
        assert (face.character.label, face.emotion.label) == (f"character of {index}", f"emotion of {index}")


def test_without_a_face_the_whole_picture_is_read() -> None:
    reader, _, _ = make_reader([])
    reading = reader.read(IMAGE)
    assert reading.whole_picture
    (face,) = reading.faces
    assert (face.number, face.face) == (1, None)
    assert face.crop.size == (200, 200)
    assert face.crop.crop((0, 40, 200, 160)).tobytes() == IMAGE.tobytes()
    assert face.character.label == "character of 0"


def test_the_detection_threshold_is_passed_on() -> None:
    reader, _, _ = make_reader(FACES)
    assert len(reader.read(IMAGE).faces) == 2
    assert len(reader.read(IMAGE, detection_threshold=0.0).faces) == 3
    assert reader.read(IMAGE, detection_threshold=1.0).whole_picture


@pytest.mark.parametrize("abstain_below", [None, 0.0, 0.8])
def test_the_confidence_threshold_is_passed_on_to_both(abstain_below: float | None) -> None:
    reader, character, emotion = make_reader(FACES)
    reader.read(IMAGE, abstain_below=abstain_below)
    assert [call[1] for call in (*character.calls, *emotion.calls)] == [abstain_below, abstain_below]


def test_all_faces_go_through_each_network_together() -> None:
    reader, character, emotion = make_reader(FACES)
    reader.read(IMAGE, detection_threshold=0.0)
    assert [len(call[0]) for call in character.calls] == [3]
    assert [len(call[0]) for call in emotion.calls] == [3]


def test_crops_are_resized_once_where_both_networks_want_the_same() -> None:
    reader, character, emotion = make_reader(FACES)
    reading = reader.read(IMAGE)
    for classifier in (character, emotion):
        assert [crop.size for crop in classifier.calls[0][0]] == [(64, 64), (64, 64)]
    assert [face.crop.size for face in reading.faces] == [(75, 75), (60, 60)]


@pytest.mark.parametrize("image_size", [64, 96])
def test_with_real_classifiers(tmp_path: Path, image_size: int) -> None:
    """The answers are those that the classifiers give to the crops themselves, wanting the same size or not."""
    preprocessing = Preprocessing(image_size=image_size, resize=image_size)
    folder = write_checkpoint(tmp_path / "characters", task="character", preprocessing=preprocessing)
    character = Classifier.load(folder)
    emotion = Classifier.load(write_checkpoint(tmp_path / "emotions", seed=1))
    reader = FaceReader(cast(FaceDetector, FakeDetector(FACES)), character, emotion)
    reading = reader.read(IMAGE)
    crops = [crop_face(IMAGE, face.box) for face in FACES[:2]]
    assert [face.character for face in reading.faces] == character.predict(crops)
    assert [face.emotion for face in reading.faces] == emotion.predict(crops)
    assert reading.faces[0].character != reading.faces[0].emotion
