"""What the page's models see in the face, below it in time: the face itself never waits for them."""

from typing import Any

import gradio as gr

from anime_models.errors import AnimeModelsError
from apps.demo.generate.controls import FOLLOWING, Controls
from apps.demo.generate.rendering import render_readings
from apps.demo.models import ModelChoice, ModelShelf
from apps.demo.rendering import render_error
from apps.demo.wording import TASKS

TOP_K = 3
TITLE = '<h2 class="am-heading">What do our models see in it?</h2>'


class SeenPanel:
    """Builds the answers and keeps them up to date."""

    def __init__(self, shelf: ModelShelf, controls: Controls, choice: gr.State, opened: Any) -> None:
        self.shelf = shelf
        self.controls = controls
        gr.HTML(TITLE, js_on_load=None)
        answers = gr.HTML("", elem_id="am-seen", js_on_load=None)
        gr.on(
            [controls.followed, choice.change, opened],
            self._read,
            [choice, controls.address],
            answers,
            **FOLLOWING,
            **controls.quiet,
        )

    def _read(self, choice: ModelChoice, address: str) -> str:
        try:
            laboratory, point = self.controls.at(address)
            picture = laboratory.generator.image(point)
            answers = {task: self.shelf.classifier(task, choice.source(task)).predict([picture])[0] for task in TASKS}
        except AnimeModelsError as error:
            return render_error(str(error))
        score = float(laboratory.generator.scores([picture])[0])
        novelty = None if laboratory.newness is None else laboratory.newness.of(picture)
        return render_readings(answers, TOP_K, novelty, score)
