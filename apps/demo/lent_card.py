"""The built-in models on a graphics card that is lent for a call (ZeroGPU), and on the CPU where none is to be had.

A lent card is there only inside of a decorated function, which runs in a process of its own: what goes in and comes out
is pickled, and the models have to be on "cuda" before the page starts. So the built-in reader exists twice. The one on
the CPU explains answers with heat maps, and reads where no card is to be had: the visitor's quota is used up, the queue
is full, or the Space has none. Faces from seeds stay on the CPU: the same seed gives the same bytes everywhere.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from math import ceil
from typing import Any

import gradio as gr
import torch
from PIL import Image

from anime_models.classifier import Classifier
from anime_models.faces import FaceDetector
from anime_models.hub import loading_from
from anime_models.reader import FaceReader, Reading
from apps.demo.models import BUILT_IN, EMBEDDED_NAMES, ModelChoice, ModelShelf, load_classifier
from apps.demo.wording import Task

# Makes a function run on the lent card; takes as `duration` what computes the seconds that a call may last.
Gpu = Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]
Read = Callable[[Image.Image, float | None, float | None], Reading]

SECONDS, SECONDS_PER_MEGAPIXEL, MOST_SECONDS = 3, 1, 20
PREFIX = "ANIME_MODELS_"

_logger = logging.getLogger(__name__)


class AcceleratedReader(FaceReader):
    """Reads on the card, or on the CPU where there is none at this moment."""

    def __init__(self, reader: FaceReader, read_on_card: Read) -> None:
        super().__init__(reader.detector, reader.character, reader.emotion)
        self._read_on_card = read_on_card

    def read(
        self, image: Image.Image, detection_threshold: float | None = None, abstain_below: float | None = None
    ) -> Reading:
        """As `FaceReader.read`."""
        try:
            return self._read_on_card(image, detection_threshold, abstain_below)
        except gr.Error as error:
            # Also what went wrong in the process on the card comes like this; the CPU says what it was.
            _logger.warning("No lent card: %s Reading on the CPU.", error)
            return super().read(image, detection_threshold, abstain_below)


class HostedShelf(ModelShelf):
    """A shelf whose built-in models have a second copy on the card."""

    def __init__(self, read_on_card: Read | None) -> None:
        super().__init__(load_detector(), load_model)
        self._read_on_card = read_on_card

    def reader(self, choice: ModelChoice) -> FaceReader:
        """The chosen models; those that visitors named read on the CPU."""
        reader = super().reader(choice)
        if self._read_on_card is None or choice != ModelChoice():
            return reader
        return AcceleratedReader(reader, self._read_on_card)


def hosted_shelf(gpu: Gpu | None, device: str = "cuda") -> ModelShelf:
    """The shelf of a Space.

    Args:
        gpu: the decorator of functions that want the card; None where there is none.
        device: what PyTorch calls the card.
    """
    if gpu is None or not (device == "cpu" or torch.cuda.is_available()):
        return HostedShelf(None)
    on_card = HostedShelf(None).reader(ModelChoice()).to(device)
    return HostedShelf(gpu(duration=reading_seconds)(on_card.read))


def reading_seconds(image: Image.Image, *_thresholds: float | None) -> int:
    """How long reading a picture may take on the card, start included; a visitor's quota pays for no more."""
    megapixels = image.width * image.height / 1e6
    return min(MOST_SECONDS, SECONDS + ceil(SECONDS_PER_MEGAPIXEL * megapixels))


def load_model(task: Task, source: str) -> Classifier:
    """The model that a source names; the built-in one may lie on the Hub."""
    elsewhere = os.environ.get(PREFIX + EMBEDDED_NAMES[task].upper())
    return load_classifier(task, elsewhere if elsewhere and source == BUILT_IN else source)


def load_detector() -> FaceDetector:
    """The detector, which may lie on the Hub."""
    elsewhere = os.environ.get(f"{PREFIX}DETECTOR")
    if not elsewhere:
        return FaceDetector.load()
    with loading_from(elsewhere) as folder:
        return FaceDetector.load(folder)
