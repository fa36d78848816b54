"""The tab about the models in use."""

import gradio as gr

from anime_models.errors import AnimeModelsError
from apps.demo.about import render_about
from apps.demo.models import ModelChoice, ModelShelf
from apps.demo.rendering import render_error
from apps.demo.settings_panel import SettingsPanel
from apps.demo.wording import TASKS


class AboutTab:
    """Builds the tab; it follows the visitor's choice of models."""

    def __init__(self, shelf: ModelShelf, settings: SettingsPanel) -> None:
        self.shelf = shelf
        page = gr.HTML(self._render(ModelChoice()), elem_id="am-about", js_on_load=None)
        settings.choice.change(self._render, settings.choice, page, api_visibility="private", show_progress="hidden")

    def _render(self, choice: ModelChoice) -> str:
        try:
            return render_about(
                {task: (choice.source(task), self.shelf.classifier(task, choice.source(task))) for task in TASKS}
            )
        except AnimeModelsError as error:
            return render_error(str(error))
