"""Keyframes, and the animation that passes through them."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from anime_models.animation import LARGEST_FPS
from anime_models.errors import AnimeModelsError
from anime_models.permalinks import FacePoint
from apps.demo.generate.animating import (
    ENDINGS,
    MAX_FRAMES_PER_STEP,
    MAX_KEYFRAMES,
    AnimationSettings,
    animate,
    num_frames,
)
from apps.demo.generate.controls import Controls
from apps.demo.generate.exploring import keyframe_tiles
from apps.demo.generate.laboratory import Laboratory
from apps.demo.generate.rendering import render_keyframes
from apps.demo.rendering import render_done, render_error

FIRST = AnimationSettings()
# Gradio tells by a default value of this type that a handler reports progress; it holds no visitor's data.
PROGRESS = gr.Progress()
Points = Sequence[FacePoint]


class AnimationPanel:
    """Builds the list of keyframes and what makes an animation of them.

    Attributes:
        keyframes: state with the faces, as a tuple.
        outputs: what `listed` is the value of.
    """

    def __init__(self, controls: Controls) -> None:
        self.controls = controls
        self.keyframes = gr.State(())
        with gr.Row():
            add = gr.Button("Add this face", variant="primary", size="md", elem_id="am-add-keyframe")
            clear = gr.Button("Remove all", size="md", elem_id="am-clear-keyframes")
        self._list = controls.tiles("am-keyframes")
        self._list.value = render_keyframes(())
        self._settings()
        make = gr.Button("Make the animation", variant="primary", size="md", elem_id="am-animate")
        self._status = gr.HTML("", elem_id="am-animation-status", js_on_load=None)
        self._picture = gr.Image(
            visible=False, show_label=False, buttons=[], alt_text="The animation", elem_id="am-animation-picture"
        )
        self._video = gr.Video(
            visible=False, show_label=False, autoplay=True, loop=True, buttons=[], elem_id="am-animation-video"
        )
        self._download = gr.DownloadButton("Download", visible=False, size="md", elem_id="am-animation-file")
        self.outputs = [self.keyframes, self._list, self._status]
        inputs = [self.keyframes, controls.source, controls.address]
        add.click(self._add, inputs, self.outputs, **controls.quiet)
        clear.click(lambda source: self.listed(source, ()), controls.source, self.outputs, **controls.quiet)
        self._list.delete(self._remove, [self.keyframes, controls.source], self.outputs, **controls.quiet)
        make.click(
            self._make,
            [self.keyframes, controls.source, *self._fields],
            [self._status, self._picture, self._video, self._download],
            api_visibility="private",
            concurrency_id="explore",
            show_progress_on=[self._status],
        )

    def listed(self, source: str, points: Points, status: str = "") -> list[Any]:
        """Values of `outputs` for other keyframes."""
        return [tuple(points), render_keyframes(keyframe_tiles(self._laboratory(source), points)), status]

    def _settings(self) -> None:
        with gr.Row(elem_classes="am-pair"):
            steps = gr.Slider(
                2,
                MAX_FRAMES_PER_STEP,
                FIRST.frames_per_step,
                step=1,
                label="Frames from face to face",
                min_width=0,
                elem_id="am-frames",
            )
            fps = gr.Slider(1, LARGEST_FPS, FIRST.fps, step=1, label="Frames per second", min_width=0, elem_id="am-fps")
        with gr.Row(elem_classes="am-pair"):
            ending = gr.Radio(list(ENDINGS.items()), value=FIRST.ending, label="Format", elem_id="am-format")
            loop = gr.Checkbox(FIRST.loop, label="Back to the first face at the end", elem_id="am-loop")
        self._fields = [steps, fps, loop, ending]

    def _laboratory(self, source: str) -> Laboratory:
        return self.controls.generators.get(source)

    def _add(self, points: Points, source: str, address: str) -> list[Any]:
        try:
            if len(points) == MAX_KEYFRAMES:
                return [gr.skip(), gr.skip(), render_error(f"{MAX_KEYFRAMES} faces are the most. Remove one first.")]
            _, point = self.controls.at(address)
            return self.listed(source, (*points, point))
        except AnimeModelsError as error:
            return [gr.skip(), gr.skip(), render_error(str(error))]

    def _remove(self, points: Points, source: str, clicked: gr.EventData) -> list[Any]:
        return self.listed(source, [point for place, point in enumerate(points) if place != clicked.remove])

    def _make(
        self,
        points: Points,
        source: str,
        frames_per_step: float,
        fps: float,
        loop: bool,
        ending: str,
        progress: gr.Progress = PROGRESS,
    ) -> list[Any]:
        settings = AnimationSettings(int(frames_per_step), int(fps), loop, ending)

        def show(done: int, count: int) -> None:
            progress((done, count), desc="Drawing", unit="frames")

        try:
            content = animate(self._laboratory(source), points, settings, show)
        except AnimeModelsError as error:
            return [render_error(str(error)), gr.skip(), gr.skip(), gr.skip()]
        path = save_bytes_to_cache(content, f"faces.{ending}", self._download.GRADIO_CACHE)
        film, frames = ending == "mp4", num_frames(len(points), settings)
        return [
            render_done(f"{frames} frames, {frames / settings.fps:.1f} seconds, {len(content) / 1e6:.1f} MB."),
            gr.Image(None if film else path, visible=not film),
            gr.Video(path if film else None, visible=film),
            gr.DownloadButton(f"Download faces.{ending}", value=path, visible=True),
        ]
