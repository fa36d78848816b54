"""The tab Identify: the picture on the left, the answers on the right."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from anime_models.classifier import Prediction
from anime_models.errors import AnimeModelsError
from apps.demo.boxes import draw_boxes
from apps.demo.components import PictureField
from apps.demo.examples import Example
from apps.demo.explainer import Explainer
from apps.demo.identify import Shown, heat_pictures, read_picture
from apps.demo.models import ModelShelf
from apps.demo.rendering import render_empty, render_error, render_reading, render_status
from apps.demo.settings_panel import SettingsPanel
from apps.demo.wording import Task

DROP_TEXT = "# Drop a picture here\nor click to choose one"


class IdentifyTab:
    """Builds the tab and wires it. Holds no visitor's data: that lives in `gr.State`."""

    def __init__(self, shelf: ModelShelf, examples: Sequence[Example]) -> None:
        self.shelf = shelf
        self.shown = gr.State(None)
        with gr.Row(elem_classes="am-columns"):
            with gr.Column(scale=5, min_width=320):
                self.picture = PictureField(
                    type="filepath",
                    sources=["upload", "webcam", "clipboard"],
                    label="Picture",
                    placeholder=DROP_TEXT,
                    height=420,
                    buttons=["download", "fullscreen"],
                    alt_text="The picture, with a numbered box around every face that was found",
                    elem_id="am-picture",
                )
                self.status = gr.HTML("", elem_id="am-status", js_on_load=None)
                example_buttons = self._examples(examples)
                self.settings = SettingsPanel(shelf)
            with gr.Column(scale=6, min_width=320):
                self.heat = gr.Checkbox(
                    False,
                    label="Show where the model looked",
                    info="Heat maps over the faces",
                    elem_id="am-heat-toggle",
                )
                self.results = gr.HTML(render_empty(), elem_id="am-results", js_on_load=None)
                self.explainer = Explainer(shelf, self.shown, self.settings.choice)
        self._wire(examples, example_buttons)

    def _examples(self, examples: Sequence[Example]) -> list[gr.Button]:
        gr.HTML('<p class="am-label" id="am-examples-label">Or try a drawn face</p>', js_on_load=None)
        with gr.Row(elem_classes="am-examples"):
            return [
                gr.Button(example.title, icon=example.path, size="sm", min_width=64, elem_classes="am-example")
                for example in examples
            ]

    def _wire(self, examples: Sequence[Example], buttons: Sequence[gr.Button]) -> None:
        settings = [self.settings.choice, *self.settings.fields, self.heat]
        outputs = [self.picture, self.status, self.results, self.shown, *self.explainer.outputs]
        common: dict[str, Any] = {
            "outputs": outputs,
            "api_visibility": "private",
            "concurrency_id": "read",
            "show_progress_on": [self.picture],
        }
        # The picture is replaced by one with boxes; that is no input, so it is not read again.
        self.picture.input(self._read_new, [self.picture, *settings], **common)
        for example, button in zip(examples, buttons, strict=True):
            button.click(partial(self._read_new, str(example.path)), settings, **common)
        changed = [self.settings.models_changed, *(field.change for field in self.settings.fields), self.heat.change]
        gr.on(changed, self._read_again, [self.shown, *settings], trigger_mode="always_last", **common)

    def _read_new(self, path: str | None, choice: Any, *settings: Any) -> list[Any]:
        if path is None:
            return [None, "", render_empty(), None, *self.explainer.cleared()]
        return self._read(path, choice, *settings)

    def _read_again(self, shown: Shown | None, choice: Any, *settings: Any) -> list[Any]:
        if shown is None:
            return [gr.skip()] * (4 + len(self.explainer.outputs))
        return self._read(shown.path, choice, *settings)

    def _read(self, path: str, choice: Any, *fields: Any) -> list[Any]:
        *values, with_heat = fields
        settings = self.settings.read(*values)
        try:
            reading = read_picture(self.shelf, path, choice, settings)
            heat = heat_pictures(self.shelf.reader(choice), reading) if with_heat else []
        except AnimeModelsError as error:
            return [None, render_error(str(error)), render_empty(), None, *self.explainer.cleared()]
        predictions: tuple[dict[Task, Prediction], ...] = tuple(
            {"character": face.character, "emotion": face.emotion} for face in reading.faces
        )
        return [
            draw_boxes(reading),
            render_status(reading),
            render_reading(reading, settings.top_k, heat),
            Shown(path, predictions),
            *self.explainer.started(choice, predictions),
        ]
