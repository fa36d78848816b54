"""Endpoints for programs: ``gradio_client`` and MCP. They keep nothing between calls.

The names and docstrings of `Endpoints`' methods become those of the MCP tools; Gradio reads one line per argument.
"""

from typing import Any

import gradio as gr

from anime_models.errors import ConfigError
from apps.demo.about import describe
from apps.demo.answers import reading_as_data
from apps.demo.batch import read_files, to_csv
from apps.demo.calls import add_endpoint, sent_number, sent_source
from apps.demo.identify import DEFAULT_TOP_K, Settings, read_picture
from apps.demo.messages import errors_as_messages
from apps.demo.models import BUILT_IN, ModelChoice, ModelShelf
from apps.demo.uploads import Payload, upload_of, uploads_of
from apps.demo.wording import TASKS, Task

MAX_TOP_K = 1000


class Endpoints:
    """What programs can call."""

    def __init__(self, shelf: ModelShelf) -> None:
        self.shelf = shelf

    def identify(
        self,
        image: Payload | None,
        top_k: float = DEFAULT_TOP_K,
        detection_threshold: float | None = None,
        abstain_below: float | None = None,
        character_model: str = BUILT_IN,
        emotion_model: str = BUILT_IN,
    ) -> dict[str, Any]:
        """Find every drawn (anime, manga) face in a picture; tell who it is and what it expresses.

        Confidences are calibrated. An answer can be withheld (verdict "not_sure"), and a face can be a stranger's or
        show no clear emotion (verdict "stranger").

        Args:
            image: the picture.
            top_k: how many candidates to list per answer.
            detection_threshold: score in [0, 1] that a face needs; null leaves it to the detector.
            abstain_below: confidence in [0, 1] that an answer needs; null leaves it to each model.
            character_model: "built-in" or owner/name on the Hugging Face Hub (a page of your own: also a folder).
            emotion_model: "built-in" or owner/name on the Hugging Face Hub (a page of your own: also a folder).

        Returns:
            width and height of the upright picture in pixels
            whole_picture: whether no face was found and all of it was read
            faces: number, box [x0, y0, x1, y1] in pixels, score, character and emotion
            of both: answer (in words), verdict, label, confidence, conformal_set and candidates
            conformal_set: labels that hold the right one for at least 90% of known faces
        """
        with errors_as_messages():
            if image is None:
                raise ConfigError("There is no picture. Pass one as image.")
            settings = _settings(detection_threshold, abstain_below, top_k)
            reading = read_picture(self.shelf, upload_of(image).path, _choice(character_model, emotion_model), settings)
            return reading_as_data(reading, settings.top_k)

    def identify_batch(
        self,
        images: list[Payload] | None,
        detection_threshold: float | None = None,
        abstain_below: float | None = None,
        character_model: str = BUILT_IN,
        emotion_model: str = BUILT_IN,
    ) -> dict[str, Any]:
        """Read the drawn faces of many pictures at once; a file that cannot be read does not stop the others.

        Args:
            images: the pictures, at most 200.
            detection_threshold: score in [0, 1] that a face needs; null leaves it to the detector.
            abstain_below: confidence in [0, 1] that an answer needs; null leaves it to each model.
            character_model: "built-in" or owner/name on the Hugging Face Hub (a page of your own: also a folder).
            emotion_model: "built-in" or owner/name on the Hugging Face Hub (a page of your own: also a folder).

        Returns:
            rows: one per face with the name of its file, or one with the error of a file that could not be read
            csv: the same as the text of a CSV file
        """
        with errors_as_messages():
            reader = self.shelf.reader(_choice(character_model, emotion_model))
            settings = _settings(detection_threshold, abstain_below)
            rows = read_files(reader, uploads_of(images), settings)
            return {"rows": rows, "csv": to_csv(rows)}

    def load_model(self, task: Task, source: str = BUILT_IN) -> dict[str, Any]:
        """Load a model and tell what it knows and how well it did on test; then calls that name it start at once.

        Args:
            task: what the model answers, "character" or "emotion".
            source: "built-in" or owner/name on the Hugging Face Hub (a page of your own: also a folder).

        Returns:
            source, task, backbone, num_labels, labels
            abstain_below: confidence in [0, 1] below which it withholds its answer
            trained_on: name of the data
            metrics: fractions in [0, 1], measured on test faces
        """
        with errors_as_messages():
            if task not in TASKS:
                raise ConfigError(f"task is {task!r}; give one of: {', '.join(TASKS)}.")
            return describe(self.shelf.classifier(task, sent_source("source", source)), source)


def add_endpoints(shelf: ModelShelf) -> None:
    """Add the endpoints to the page that is being built; nothing of them shows on it."""
    endpoints = Endpoints(shelf)
    picture = gr.Image(type="filepath", label="image", visible=False)
    files = gr.File(file_count="multiple", label="images", visible=False)
    top_k = gr.Number(DEFAULT_TOP_K, precision=0, label="top_k", visible=False)
    thresholds = [gr.Number(None, label=label, visible=False) for label in ("detection_threshold", "abstain_below")]
    models = [gr.Textbox(BUILT_IN, label=f"{task}_model", visible=False) for task in TASKS]
    task = gr.Radio(list(TASKS), value=None, label="task", visible=False)
    source = gr.Textbox(BUILT_IN, label="source", visible=False)
    answer = gr.JSON(visible=False)
    add_endpoint(endpoints.identify, [picture, top_k, *thresholds, *models], answer, "read")
    add_endpoint(endpoints.identify_batch, [files, *thresholds, *models], answer, "read")
    add_endpoint(endpoints.load_model, [task, source], answer, "load")


def _settings(detection_threshold: object, abstain_below: object, top_k: object = DEFAULT_TOP_K) -> Settings:
    """Settings from a caller's values, which can be anything that JSON can say."""
    shown = sent_number("top_k", top_k, 1, float("inf"))
    return Settings(
        DEFAULT_TOP_K if shown is None else int(min(shown, MAX_TOP_K)),
        sent_number("detection_threshold", detection_threshold, 0, 1),
        sent_number("abstain_below", abstain_below, 0, 1),
    )


def _choice(character_model: object, emotion_model: object) -> ModelChoice:
    return ModelChoice(sent_source("character_model", character_model), sent_source("emotion_model", emotion_model))
