"""Endpoints for programs: ``gradio_client`` and MCP. They keep nothing between calls.

The functions' names and docstrings become the names and descriptions of the MCP tools.
"""

from typing import Any

import gradio as gr

from anime_models.errors import AnimeModelsError, ConfigError
from apps.demo.about import describe
from apps.demo.answers import reading_as_data
from apps.demo.batch import Upload, read_files, to_csv
from apps.demo.components import FilesField, PictureField
from apps.demo.identify import DEFAULT_TOP_K, Settings, read_picture
from apps.demo.models import BUILT_IN, ModelChoice, ModelShelf
from apps.demo.settings_panel import TASKS

MAX_TOP_K = 1000


def add_endpoints(shelf: ModelShelf) -> None:
    """Add ``/identify``, ``/identify_batch`` and ``/load_model`` to the page that is being built."""

    def identify(
        image: str | None,
        top_k: float = DEFAULT_TOP_K,
        detection_threshold: float | None = None,
        abstain_below: float | None = None,
        character_model: str = BUILT_IN,
        emotion_model: str = BUILT_IN,
    ) -> dict[str, Any]:
        """
        Find every drawn (anime, manga) face in a picture and tell who it is and what it expresses, with calibrated confidences.

        Args:
            image: the picture.
            top_k: how many candidates to list per answer.
            detection_threshold: score in [0, 1] that a face needs; null leaves it to the detector.
            abstain_below: confidence in [0, 1] below which an answer is withheld ("not_sure"); null leaves it to each model.
            character_model: "built-in", a checkpoint folder, or owner/name on the Hugging Face Hub.
            emotion_model: "built-in", a checkpoint folder, or owner/name on the Hugging Face Hub.

        Returns:
            width and height of the upright picture, whole_picture (no face was found, all of it was read) and faces: number, box (x0, y0, x1, y1 in pixels), score, and for character and emotion the answer in words, verdict (label, not_sure or stranger), label, confidence, conformal_set (holds the right label for at least 90% of known faces) and ranked candidates.
        """
        with _errors_as_messages():
            if image is None:
                raise ConfigError("There is no picture. Pass one as image.")
            settings = _settings(top_k, detection_threshold, abstain_below)
            reading = read_picture(shelf, image, ModelChoice(character_model, emotion_model), settings)
            return reading_as_data(reading, settings.top_k)
