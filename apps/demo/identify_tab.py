"""The tab Identify: the picture on the left, the answers on the right."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from anime_models.classifier import Prediction
from anime_models.errors import AnimeModelsError
from anime_models.reader import Reading
from apps.demo.boxes import draw_boxes
from apps.demo.examples import Example
from apps.demo.explainer import Explainer
from apps.demo.identify import Settings, Shown, heat_pictures, read_picture
from apps.demo.models import ModelChoice, ModelShelf
from apps.demo.rendering import render_empty, render_error, render_reading, render_status
from apps.demo.settings_panel import SettingsPanel
from apps.demo.uploads import Payload, upload_of
from apps.demo.wording import Task

DROP_TEXT = "# Drop or paste a picture\nor click to choose one"


class IdentifyTab:
    """Builds the tab and wires it. Holds no visitor's data: that lives in `gr.State`."""

    def __init__(self, shelf: ModelShelf, examples: Sequence[Example]) -> None:
        self.shelf = shelf
        self.shown = gr.State(None)
        choice = gr.State(ModelChoice())
        # Three areas: on a wide screen the last stands under the first, on a narrow one the results come before it.
        with gr.Row(elem_classes="am-columns"):
            with gr.Column(elem_classes="am-area-picture", min_width=0):
                self.picture = gr.Image(
                    type="filepath",
                    sources=["upload", "webcam", "clipboard"],
                    label="Picture",
                    show_label=False,
                    placeholder=DROP_TEXT,
                    height=400,
                    buttons=["download", "fullscreen"],
                    alt_text="The picture, with a numbered box around every face that was found",
                    elem_id="am-picture",
                )
                self.status = gr.HTML("", elem_id="am-status", js_on_load=None)
            with gr.Column(elem_classes="am-area-results", min_width=0):
                self.heat = gr.Checkbox(
                    False, label="Show where the model looked (heat map)", visible=False, elem_id="am-heat-toggle"
                )
                self.results = gr.HTML(render_empty(), elem_id="am-results", js_on_load=None)
                self.explainer = Explainer(shelf, self.shown, choice)
            with gr.Column(elem_classes="am-area-extras", min_width=0):
                example_buttons = self._examples(examples)
                self.settings = SettingsPanel(shelf, choice)
        self.outputs = [self.picture, self.status, self.heat, self.results, self.shown]
        self._wire(examples, example_buttons)

    def _examples(self, examples: Sequence[Example]) -> list[gr.Button]:
        gr.HTML('<p class="am-label" id="am-examples-label">Or try a drawn face</p>', js_on_load=None)
        with gr.Row(elem_classes="am-examples"):
            return [
                gr.Button(example.title, icon=example.path, size="sm", elem_classes="am-example")
                for example in examples
            ]

    def _wire(self, examples: Sequence[Example], buttons: Sequence[gr.Button]) -> None:
        fields = [self.settings.choice, *self.settings.fields, self.heat]
        common: dict[str, Any] = {"api_visibility": "private", "concurrency_id": "read"}
        fresh = {"outputs": [*self.outputs, *self.explainer.outputs], **common}
        # The picture is replaced by one with boxes; that is no input, so it is not read again.
        # A picture that comes while another is being read is read next.
        uploaded = self.picture.input(
            self._read_upload, [self.picture, *fields], preprocess=False, trigger_mode="always_last", **fresh
        )
        chosen = [
            button.click(partial(self._read_file, str(example.path)), fields, **fresh)
            for example, button in zip(examples, buttons, strict=True)
        ]
        for read in (uploaded, *chosen):
            read.then(self._catch_up, [self.shown, *fields], show_progress="hidden", **fresh)
        changes = [self.settings.choice.change, *(field.change for field in self.settings.thresholds)]
        gr.on(changes, self._read_again, [self.shown, *fields], trigger_mode="always_last", **fresh)
        views = [self.settings.top_k.change, self.heat.change]
        gr.on(views, self._show_again, [self.shown, *fields], self.results, trigger_mode="always_last", **common)

    def _read_upload(self, payload: Payload | None, *fields: Any) -> list[Any]:
        if payload is None:
            # Dropping a picture on another clears the field first: leave it alone, the new one may be in it already.
            return [gr.skip(), *self._cleared("")[1:]]
        try:
            path = upload_of(payload).path
        except AnimeModelsError as error:
            return self._cleared(render_error(str(error)))
        return self._read_file(str(path), *fields)

    def _read_file(self, path: str, choice: ModelChoice, *fields: Any) -> list[Any]:
        *values, with_heat = fields
        settings = SettingsPanel.read(*values)
        try:
            reading = read_picture(self.shelf, path, choice, settings)
            results = self._render(reading, choice, settings, with_heat)
        except AnimeModelsError as error:
            return self._cleared(render_error(str(error)))
        predictions: tuple[dict[Task, Prediction], ...] = tuple(
            {"character": face.character, "emotion": face.emotion} for face in reading.faces
        )
        shown = Shown(path, (choice, *fields), predictions)
        explained = self.explainer.started(choice, shown.predictions)
        return [draw_boxes(reading), render_status(reading), gr.Checkbox(visible=True), results, shown, *explained]

    def _read_again(self, shown: Shown | None, *fields: Any) -> list[Any]:
        if shown is None:
            return [gr.skip()] * len([*self.outputs, *self.explainer.outputs])
        return self._read_file(shown.path, *fields)

    def _catch_up(self, shown: Shown | None, *fields: Any) -> list[Any]:
        """Read again what was read with settings that have changed meanwhile."""
        return self._read_again(None if shown is None or shown.fields == fields else shown, *fields)

    def _show_again(self, shown: Shown | None, choice: ModelChoice, *fields: Any) -> Any:
        """The same answers with more or fewer candidates, with or without heat maps."""
        *values, with_heat = fields
        settings = SettingsPanel.read(*values)
        if shown is None:
            return gr.skip()
        try:
            reading = read_picture(self.shelf, shown.path, choice, settings)
            return self._render(reading, choice, settings, with_heat)
        except AnimeModelsError as error:
            return render_error(str(error))

    def _render(self, reading: Reading, choice: ModelChoice, settings: Settings, with_heat: bool) -> str:
        heat = heat_pictures(self.shelf.reader(choice), reading) if with_heat else []
        return render_reading(reading, settings.top_k, heat)

    def _cleared(self, status: str) -> list[Any]:
        return [None, status, gr.Checkbox(visible=False), render_empty(), None, *self.explainer.cleared()]
