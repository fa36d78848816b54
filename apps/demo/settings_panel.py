"""The accordion with a visitor's settings: models, number of candidates, thresholds."""

from typing import Any

import gradio as gr

from anime_models.errors import AnimeModelsError
from apps.demo.identify import DEFAULT_TOP_K, Settings
from apps.demo.messages import errors_as_messages
from apps.demo.models import BUILT_IN, ModelChoice, ModelShelf, known_sources
from apps.demo.rendering import TASK_TITLES, render_done, render_error
from apps.demo.wording import TASKS, Task

MAX_TOP_K = 10


class SettingsPanel:
    """Builds the accordion; the models in use are per visitor, in `choice`.

    Attributes:
        choice: `ModelChoice` of this visitor; changes only when both models have loaded.
        fields: what `read` turns into `Settings`, in its order; `top_k` and `thresholds` are parts of it.
    """

    def __init__(self, shelf: ModelShelf, choice: gr.State) -> None:
        self.shelf = shelf
        self.choice = choice
        with gr.Accordion("Settings", open=False, elem_id="am-settings"):
            top_k = gr.Slider(1, MAX_TOP_K, DEFAULT_TOP_K, step=1, label="Candidates shown", elem_id="am-top-k")
            own = gr.Checkbox(True, label="Use the thresholds that the models came with", elem_id="am-own-thresholds")
            abstain = gr.Slider(
                0, 1, 0.5, step=0.01, visible=False, label='Say "not sure" below this confidence', elem_id="am-abstain"
            )
            detection = gr.Slider(
                0, 1, 0.5, step=0.01, visible=False, label="Find faces with at least this score", elem_id="am-detection"
            )
            self._model_fields()
        self.top_k = top_k
        self.thresholds: list[gr.Checkbox | gr.Slider] = [own, abstain, detection]
        self.fields = [top_k, *self.thresholds]
        own.change(self._show_thresholds, [own, choice], [abstain, detection], api_visibility="private")

    @staticmethod
    def read(top_k: float, own: bool, abstain_below: float, detection_threshold: float) -> Settings:
        """Values of `fields` as settings."""
        if own:
            return Settings(int(top_k))
        return Settings(int(top_k), detection_threshold, abstain_below)

    def _show_thresholds(self, own: bool, choice: ModelChoice) -> list[gr.Slider]:
        """The sliders start where the models stand; of two models' thresholds at the more cautious one."""
        if own:
            return [gr.Slider(visible=False)] * 2
        with errors_as_messages():
            models = {task: self.shelf.classifier(task, choice.source(task)) for task in TASKS}
        abstain = {task: model.calibration.abstention.threshold for task, model in models.items()}
        came_with = " and ".join(f"{threshold:.2f} ({task})" for task, threshold in abstain.items())
        return [
            gr.Slider(value=round(max(abstain.values()), 2), info=f"The models came with {came_with}.", visible=True),
            gr.Slider(value=round(self.shelf.detector.config.threshold, 2), visible=True),
        ]

    def _model_fields(self) -> None:
        sources = [
            gr.Dropdown(
                [BUILT_IN],
                value=BUILT_IN,
                allow_custom_value=True,
                label=f"{TASK_TITLES[task]} model",
                info=known_sources(),
                elem_id=f"am-{task}-model",
            )
            for task in TASKS
        ]
        button = gr.Button("Use these models", size="md", elem_id="am-use-models")
        status = gr.HTML("", js_on_load=None, elem_id="am-model-status")
        button.click(
            self._use_models,
            [self.choice, *sources],
            [self.choice, status],
            api_visibility="private",
            concurrency_id="load",
        )

    def _use_models(self, choice: ModelChoice, *sources: str | None) -> tuple[Any, str]:
        wanted = choice
        try:
            for task, source in zip(TASKS, sources, strict=True):
                wanted = wanted.changed(task, (source or "").strip() or BUILT_IN)
                self.shelf.classifier(task, wanted.source(task))
        except AnimeModelsError as error:
            kept = " and ".join(f"{choice.source(task)} ({task})" for task in TASKS)
            return gr.skip(), render_error(f"{error} Still in use: {kept}.")
        used = " and ".join(self._named(task, wanted.source(task)) for task in TASKS)
        return wanted, render_done(f"In use: {used}.")

    def _named(self, task: Task, source: str) -> str:
        model = self.shelf.classifier(task, source)
        return f"{source} ({len(model.label_names)} {task}s)"
