"""Two ways to find faces: among the neighbours of the one that is shown, and among random ones, best first."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from anime_models.errors import AnimeModelsError, ConfigError
from anime_models.permalinks import FacePoint
from anime_models.picture_archive import write_archive
from apps.demo.generate.controls import FOLLOWING, UNSEEN, Controls
from apps.demo.generate.exploring import SIDE, faces_around, neighbour_tiles, ranked_faces, ranking_tiles
from apps.demo.generate.keeping import as_parcel, grid_picture
from apps.demo.generate.points import SLIDER_SEEDS
from apps.demo.generate.rendering import SCALE, png_bytes, render_tiles
from apps.demo.generate.scripts import SAVE_PARCEL
from apps.demo.messages import errors_as_messages
from apps.demo.rendering import render_error

NEAREST, FARTHEST, FIRST_DISTANCE = 1.0, 16.0, 5.0
FEWEST, MOST, FIRST_COUNT = 6, 48, 18
RANKED_COLUMNS = 6
NEIGHBOURS_TEXT = '<p class="am-muted">The face stands in the middle. Click another one to go there.</p>'
RANKING_TEXT = (
    '<p class="am-muted">Random faces, ranked by the network that the generator was trained against: first what it '
    "takes most for real. Click one to go there.</p>"
)
# What a grid and its faces are before there are any.
CLEARED: list[Any] = ["", ()]


class NeighboursPanel:
    """A square of faces around the one that is shown.

    Attributes:
        points: state with the faces in the square.
        outputs: what `CLEARED` is the value of.
    """

    def __init__(self, controls: Controls, view: gr.State, name: str) -> None:
        self.controls = controls
        self.name = name
        self.points = gr.State(())
        variation = gr.State(0)
        gr.HTML(NEIGHBOURS_TEXT, js_on_load=None)
        grid = controls.tiles("am-neighbours")
        distance = gr.Slider(
            NEAREST,
            FARTHEST,
            FIRST_DISTANCE,
            step=0.5,
            label="How far away",
            info=f"At {FARTHEST:g} they are as different as any two faces.",
            elem_id="am-distance",
        )
        others = gr.Button("Other neighbours", size="md", elem_id="am-other-neighbours")
        others.click(lambda number: number + 1, variation, variation, **controls.quiet)
        gr.on(
            [controls.followed, view.change, distance.change, variation.change],
            self._look,
            [view, variation, distance, controls.address],
            [grid, self.points],
            **FOLLOWING,
            **controls.quiet,
        )
        _save_buttons(controls, self.points, SIDE, "neighbours")
        self.outputs = [grid, self.points]

    def _look(self, view: str, variation: int, distance: float, address: str) -> tuple[Any, Any]:
        if view != self.name:
            return gr.skip(), gr.skip()
        try:
            laboratory, point = self.controls.at(address)
            found = faces_around(laboratory, point, distance, variation)
        except AnimeModelsError as error:
            return render_error(str(error)), ()
        tiles = neighbour_tiles(laboratory, found)
        return render_tiles(tiles, "The face and its neighbours", SIDE), tuple(one.point for one in found)


class RankingPanel:
    """Random faces, those first that the discriminator takes for real.

    Attributes:
        points: state with the faces in their order.
        outputs: what `CLEARED` is the value of.
    """

    def __init__(self, controls: Controls) -> None:
        self.controls = controls
        self.points = gr.State(())
        gr.HTML(RANKING_TEXT, js_on_load=None)
        count = gr.Slider(FEWEST, MOST, FIRST_COUNT, step=6, label="How many", elem_id="am-ranking-count")
        draw = gr.Button("Draw random faces", variant="primary", size="md", elem_id="am-draw-batch")
        grid = controls.tiles("am-ranking")
        draw.click(
            self._rank,
            [count, controls.address],
            [grid, self.points],
            api_visibility="private",
            concurrency_id="explore",
            show_progress_on=[grid],
        )
        _save_buttons(controls, self.points, RANKED_COLUMNS, "ranking")
        self.outputs = [grid, self.points]

    def _rank(self, count: float, address: str) -> tuple[str, Any]:
        seeds = np.random.default_rng().choice(SLIDER_SEEDS + 1, int(count), replace=False)
        try:
            laboratory, point = self.controls.at(address)
            found = ranked_faces(laboratory, point, [int(seed) for seed in seeds])
        except AnimeModelsError as error:
            return render_error(str(error)), ()
        tiles = ranking_tiles(laboratory, found)
        return render_tiles(tiles, "Random faces, best first", RANKED_COLUMNS), tuple(one.point for one in found)


def _save_buttons(controls: Controls, points: gr.State, columns: int, name: str) -> None:
    """Add buttons that save the faces of a state, as one picture and as an archive."""

    def pack_grid(source: str, shown: Sequence[FacePoint]) -> str:
        with errors_as_messages():
            generator = controls.generators.get(source).generator
            pictures = [generator.image(point) for point in _any(shown)]
            return as_parcel(f"{name}.png", png_bytes(grid_picture(pictures, columns)))

    def pack_archive(source: str, shown: Sequence[FacePoint]) -> str:
        with errors_as_messages():
            generator = controls.generators.get(source).generator
            return as_parcel(f"{name}.zip", write_archive(generator, _any(shown), SCALE))

    parcel = gr.Textbox("", elem_classes=UNSEEN)
    with gr.Row():
        for pack, label, kind in ((pack_grid, "Save as a grid (PNG)", "grid"), (pack_archive, "Save all (ZIP)", "zip")):
            button = gr.Button(label, size="md", elem_id=f"am-save-{name}-{kind}")
            packed = button.click(pack, [controls.source, points], parcel, concurrency_id="explore", **controls.quiet)
            packed.success(None, parcel, None, js=SAVE_PARCEL, **controls.quiet)


def _any(shown: Sequence[FacePoint]) -> Sequence[FacePoint]:
    if not shown:
        raise ConfigError("There are no faces yet. Draw some first.")
    return shown
