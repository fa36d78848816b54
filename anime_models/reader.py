"""The main job: one picture in; every face boxed, named and read out."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from anime_models.classifier import Classifier, Prediction
from anime_models.faces import Face, FaceDetector, crop_face
from anime_models.preprocessing import resize_image


@dataclass(frozen=True)
class FaceReading:
    """One face: its number on the picture (from 1), its box (None: the whole picture was read), crop and answers."""

    number: int
    face: Face | None
    crop: Image.Image
    character: Prediction
    emotion: Prediction


@dataclass(frozen=True)
class Reading:
    """A picture and its faces, best first; ``whole_picture`` says that none was found and all of it was read."""

    image: Image.Image
    faces: tuple[FaceReading, ...]
    whole_picture: bool


class FaceReader:
    """Detector and two classifiers. Safe to share between threads: reading changes nothing."""

    def __init__(self, detector: FaceDetector, character: Classifier, emotion: Classifier) -> None:
        self.detector = detector
        self.character = character
        self.emotion = emotion

    @classmethod
    def embedded(cls) -> FaceReader:
        """The reader that ships with the package; needs no network."""
        return cls(FaceDetector.load(), Classifier.embedded("characters"), Classifier.embedded("emotions"))

    def to(self, device: str) -> FaceReader:
        """Move all three networks to a device, such as ``cuda``; returns the reader."""
        for part in (self.detector, self.character, self.emotion):
            part.to(device)
        return self

    def read(
        self, image: Image.Image, detection_threshold: float | None = None, abstain_below: float | None = None
    ) -> Reading:
        """Find the faces of an upright RGB picture and read each; without a face the whole picture is read.

        Args:
            image: as :func:`anime_models.images.load_image` gives it.
            detection_threshold: score in [0, 1] that a box needs; the detector's own if None.
            abstain_below: confidence in [0, 1] that an answer needs; the classifiers' own if None.
        """
        found = self.detector.detect(image, detection_threshold)
        faces: list[Face | None] = [*found] or [None]
        whole = (0.0, 0.0, float(image.width), float(image.height))
        crops = [crop_face(image, whole, margin=0) if face is None else crop_face(image, face.box) for face in faces]
        inputs = self._resized_for_both(crops)
        characters = self.character.predict(inputs, abstain_below)
        emotions = self.emotion.predict(inputs, abstain_below)
        readings = tuple(
            FaceReading(number, *parts)
            for number, parts in enumerate(zip(faces, crops, characters, emotions, strict=True), start=1)
        )
        return Reading(image, readings, whole_picture=not found)

    def _resized_for_both(self, crops: list[Image.Image]) -> list[Image.Image]:
        """The crops at the size that both classifiers resize them to; as they are where the two differ.

        Besides the networks resizing takes the longest, and a crop that has the size already is not resized again.
        """
        wanted = self.character.config.preprocessing
        if wanted != self.emotion.config.preprocessing:
            return crops
        return [resize_image(crop, wanted.resize, wanted.interpolation) for crop in crops]
