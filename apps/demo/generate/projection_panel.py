"""A visitor's own picture, and the face of the generator that comes nearest to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from anime_models.errors import AnimeModelsError
from anime_models.projection import NUM_STEPS, Projection
from apps.demo.generate.controls import Controls
from apps.demo.generate.projecting import Crop, Flag, Step, cut_face, point_of_projection, projected
from apps.demo.generate.rendering import render_comparison
from apps.demo.models import ModelShelf
from apps.demo.rendering import render_done, render_error
from apps.demo.uploads import Payload, upload_of

FEWEST_STEPS, MOST_STEPS = 25, 400
TEXT = (
    '<p class="am-muted">Upload a drawn face: the generator looks for the numbers that come nearest to it. What it '
    "finds becomes the face of this page, and the sliders go on from there. It can only draw what it has learnt: the "
    "face will be alike, not the same.</p>"
)
NO_FACE = "No face was found in the picture, so all of it was taken."


class ProjectionPanel:
    """Builds the upload, the buttons and the comparison."""

    def __init__(self, shelf: ModelShelf, controls: Controls) -> None:
        self.shelf = shelf
        self.controls = controls
        flag = gr.State(Flag())
        gr.HTML(TEXT, js_on_load=None)
        picture = gr.Image(
            type="filepath",
            sources=["upload", "clipboard"],
            label="Your picture",
            show_label=False,
            placeholder="# Drop or paste a picture\nor click to choose one",
            height=220,
            buttons=[],
            alt_text="The picture whose face is looked for",
            elem_id="am-project-picture",
        )
        steps = gr.Slider(
            FEWEST_STEPS,
            MOST_STEPS,
            NUM_STEPS,
            step=25,
            label="Steps",
            info="More come nearer and take longer.",
            elem_id="am-project-steps",
        )
        with gr.Row():
            start = gr.Button("Find this face", variant="primary", size="md", elem_id="am-project")
            self._cancel = gr.Button("Cancel", interactive=False, size="md", elem_id="am-project-cancel")
        status = gr.HTML("", elem_id="am-project-status", js_on_load=None)
        comparison = gr.HTML("", elem_id="am-comparison", js_on_load=None)
        start.click(
            self._project,
            [picture, steps, flag, controls.source],
            [status, comparison, self._cancel, *controls.outputs],
            preprocess=False,
            concurrency_id="project",
            concurrency_limit=1,
            **controls.quiet,
        )
        self._cancel.click(_raise, flag, self._cancel, queue=False, **controls.quiet)

    def _project(self, payload: Payload | None, steps: float, flag: Flag, source: str) -> Iterator[list[Any]]:
        stay = [gr.skip()] * len(self.controls.outputs)
        if payload is None:
            yield [render_error("There is no picture yet. Choose one first."), gr.skip(), gr.skip(), *stay]
            return
        flag.raised = False
        try:
            laboratory = self.controls.generators.get(source)
            crop = cut_face(self.shelf.detector, Path(upload_of(payload).path))
            yield ["", render_comparison(crop.picture, None, 0.0), gr.Button(interactive=True), *stay]
            for step in projected(laboratory, crop.picture, int(steps), flag):
                comparison = render_comparison(crop.picture, step.picture, _share(step))
                if isinstance(step, Step):
                    yield [gr.skip(), comparison, gr.skip(), *stay]
                else:
                    shown = self.controls.shown(laboratory, point_of_projection(step))
                    yield [_summary(crop, step), comparison, gr.Button(interactive=False), *shown]
        except AnimeModelsError as error:
            yield [render_error(str(error)), "", gr.Button(interactive=False), *stay]


def _raise(flag: Flag) -> gr.Button:
    flag.raised = True
    return gr.Button(interactive=False)


def _share(step: Step | Projection) -> float | None:
    return step.share if isinstance(step, Step) else None


def _summary(crop: Crop, projection: Projection) -> str:
    steps = len(projection.losses)
    ended = f"Done after {steps} steps." if projection.complete else f"Cancelled after {steps} steps; this is the best."
    start, end = projection.start_distance, projection.end_distance
    nearer = f"Its distance to your picture is {end:.2f}; the nearest random face had {start:.2f}."
    return render_done(" ".join(part for part in ("" if crop.found else NO_FACE, ended, nearer) if part))
