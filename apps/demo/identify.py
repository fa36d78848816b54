"""One picture read for one visitor: what the Identify tab and the API both do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from anime_models.classifier import Classifier, Prediction
from anime_models.explain import heat_map, overlay
from anime_models.images import load_image
from anime_models.reader import FaceReader, FaceReading, Reading
from apps.demo.models import ModelChoice, ModelShelf
from apps.demo.rendering import THUMBNAIL_SIZE, HeatPictures
from apps.demo.wording import Task

DEFAULT_TOP_K = 5
# A heat map costs as much as reading a face anew, so a crowd does not get one each.
MAX_HEAT_MAPS = 12


@dataclass(frozen=True)
class Settings:
    """How one visitor wants pictures read.

    Attributes:
        top_k: candidates shown per answer.
        detection_threshold: score in [0, 1] that a face needs; None leaves it to the detector.
        abstain_below: confidence in [0, 1] that an answer needs; None leaves it to each model.
    """

    top_k: int = DEFAULT_TOP_K
    detection_threshold: float | None = None
    abstain_below: float | None = None


@dataclass(frozen=True)
class Shown:
    """What one visitor sees: the file that was read, the fields that it was read with, and the answers face by face."""

    path: str
    fields: tuple[Any, ...]
    predictions: tuple[dict[Task, Prediction], ...]


def read_picture(shelf: ModelShelf, path: str | Path, choice: ModelChoice, settings: Settings) -> Reading:
    """Decode, find the faces and read them.

    Raises:
        AnimeModelsError: the picture, a model or a setting is not usable.
    """
    reader = shelf.reader(choice)
    return reader.read(load_image(path), settings.detection_threshold, settings.abstain_below)


def heat_pictures(reader: FaceReader, reading: Reading) -> list[HeatPictures]:
    """Heat maps of both answers laid over the crops of the first faces."""
    return [
        {
            "character": _heat_picture(reader.character, face, face.character.label),
            "emotion": _heat_picture(reader.emotion, face, face.emotion.label),
        }
        for face in reading.faces[:MAX_HEAT_MAPS]
    ]


def _heat_picture(classifier: Classifier, face: FaceReading, label: str) -> Image.Image:
    """The models see small squares; a larger crop would only make the overlay slower to lay."""
    small = face.crop.copy()
    small.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.LANCZOS)
    return overlay(small, heat_map(classifier, small, label))
