"""A slider through the epochs of training."""

from typing import Any

import gradio as gr

from anime_models.errors import AnimeModelsError
from apps.demo.generate.controls import Controls
from apps.demo.generate.epochs import epoch_files, render_epoch
from apps.demo.generate.laboratory import Laboratory
from apps.demo.rendering import render_error

TEXT = (
    '<p class="am-muted">The same random numbers after each pass over the training faces: how noise turned into '
    "faces.</p>"
)


class EpochsPanel:
    """Builds the slider and the picture.

    Attributes:
        outputs: what `equipped` is the value of.
    """

    def __init__(self, controls: Controls, first: Laboratory | None) -> None:
        self.controls = controls
        gr.HTML(TEXT, js_on_load=None)
        options, picture = ({"visible": False}, "") if first is None else _begun(first)
        slider = gr.Slider(step=1, label="Epoch", elem_id="am-epoch", **options)
        shown = gr.HTML(picture, elem_id="am-epoch-faces", js_on_load=None)
        last: dict[str, Any] = {"trigger_mode": "always_last", "concurrency_id": "draw"}
        slider.change(self._show, [slider, controls.source], shown, **last, **controls.quiet)
        self.outputs = [slider, shown]

    @staticmethod
    def equipped(laboratory: Laboratory) -> list[Any]:
        """Values of `outputs` for a generator that has just been chosen."""
        options, picture = _begun(laboratory)
        return [gr.Slider(**options), picture]

    def _show(self, wanted: float, source: str) -> str:
        try:
            return render_epoch(self.controls.generators.get(source).generator, wanted)
        except AnimeModelsError as error:
            return render_error(str(error))


def _begun(laboratory: Laboratory) -> tuple[dict[str, Any], str]:
    """The slider's settings and the picture of the last epoch; a single epoch needs no slider."""
    numbers = list(epoch_files(laboratory.generator))
    last = numbers[-1] if numbers else 0
    picture = render_epoch(laboratory.generator, last)
    if len(numbers) < 2:
        return {"visible": False}, picture
    return {"minimum": numbers[0], "maximum": last, "value": last, "visible": True}, picture
