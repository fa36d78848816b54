"""How far can this confidence be trusted? The model's reliability diagram with the bar of one answer marked."""

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from anime_models.classifier import Prediction, Verdict
from anime_models.errors import AnimeModelsError
from anime_models.records import ReliabilityBin
from apps.demo.figures import reliability_figure
from apps.demo.identify import Shown
from apps.demo.models import ModelChoice, ModelShelf
from apps.demo.wording import STRANGER_CAVEAT, Task, percent, reliability_sentence

HOW_TO_READ = (
    "Each bar gathers the test faces that were answered with about the same confidence; its height is the share of "
    "them that was right. Bars that end on the dashed line mean what they say."
)

FIT_DIAGRAM = "() => { requestAnimationFrame(() => window.dispatchEvent(new Event('resize'))); return []; }"


class Explainer:
    """A chooser of answers, a sentence and the diagram, below the results."""

    def __init__(self, shelf: ModelShelf, shown: gr.State, choice: gr.State) -> None:
        self.shelf = shelf
        with gr.Accordion(
            "How far can these confidences be trusted?", open=False, visible=False, elem_id="am-explainer"
        ) as accordion:
            self.which = gr.Dropdown([], label="Answer", interactive=True, elem_id="am-which-answer")
            self.sentence = gr.HTML("", elem_id="am-reliability", js_on_load=None)
            self.plot = gr.Plot(show_label=False, container=False, elem_id="am-diagram", elem_classes="am-plot")
        # Drawn while folded away it would keep plotly's own width.
        accordion.expand(None, js=FIT_DIAGRAM)
        self.outputs = [accordion, self.which, self.sentence, self.plot]
        self.which.input(
            self._explain,
            [self.which, shown, choice],
            [self.sentence, self.plot],
            api_visibility="private",
            show_progress="hidden",
        )

    def cleared(self) -> list[Any]:
        """Values of `outputs` while there is no answer."""
        return [gr.Accordion(visible=False), gr.skip(), gr.skip(), gr.skip()]

    def started(self, choice: ModelChoice, predictions: Sequence[dict[Task, Prediction]]) -> list[Any]:
        """Values of `outputs` for a new reading; the first answer that is not withheld is explained."""
        choices = [
            (_answer_name(number, prediction), f"{number} {task}")
            for number, answers in enumerate(predictions, start=1)
            for task, prediction in answers.items()
        ]
        index, task = _first_given(predictions)
        chooser = gr.Dropdown(choices=choices, value=f"{index + 1} {task}")
        return [gr.Accordion(visible=True), chooser, *self._explained(choice, task, predictions[index][task])]

    def _explain(self, which: str | None, shown: Shown | None, choice: ModelChoice) -> list[Any]:
        if which is None or shown is None:
            return [gr.skip(), gr.skip()]
        number, task = which.split(" ", 1)
        key: Task = "emotion" if task == "emotion" else "character"
        return self._explained(choice, key, shown.predictions[int(number) - 1][key])

    def _explained(self, choice: ModelChoice, task: Task, prediction: Prediction) -> list[Any]:
        bins = self._bins(task, choice)
        sentence = reliability_sentence(bins, prediction.confidence)
        if not bins:
            return [_paragraphs(sentence), gr.Plot(visible=False)]
        caveat = STRANGER_CAVEAT[task] if prediction.verdict is Verdict.STRANGER else ""
        return [
            _paragraphs(sentence, caveat, HOW_TO_READ),
            gr.Plot(reliability_figure(bins, prediction.confidence), visible=True),
        ]

    def _bins(self, task: Task, choice: ModelChoice) -> Sequence[ReliabilityBin]:
        try:
            record = self.shelf.classifier(task, choice.source(task)).record
        except AnimeModelsError:
            return ()
        return record.calibration.after.reliability if record and record.calibration else ()


def _first_given(predictions: Sequence[dict[Task, Prediction]]) -> tuple[int, Task]:
    """Index of the face and task of the first answer that is given, or of the very first one."""
    given = (
        (index, task)
        for index, answers in enumerate(predictions)
        for task, prediction in answers.items()
        if prediction.verdict is Verdict.LABEL
    )
    return next(given, (0, "character"))


def _answer_name(number: int, prediction: Prediction) -> str:
    return f"Face {number}: {prediction.label} ({percent(prediction.confidence)})"


def _paragraphs(sentence: str, *notes: str) -> str:
    smaller = "".join(f'<p class="am-muted">{escape(note)}</p>' for note in notes if note)
    return f'<p class="am-sentence" role="status">{escape(sentence)}</p>{smaller}'
