"""The big face and everything that moves it: seed, truncation and the named directions."""

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from anime_models.errors import AnimeModelsError
from anime_models.latents import LARGEST_SEED, LARGEST_TRUNCATION
from anime_models.permalinks import FacePoint
from apps.demo.generate.laboratory import MAX_DIRECTIONS, GeneratorShelf, Laboratory
from apps.demo.generate.points import (
    FIRST_POINT,
    NO_CLIP,
    SLIDER_SEEDS,
    Link,
    controls_of,
    link_query,
    point_of,
    read_query,
)
from apps.demo.generate.rendering import render_face
from apps.demo.generate.scripts import (
    FOLLOW,
    FROM_NUMBER,
    FROM_SLIDER,
    GATHER,
    RANDOM,
    RESET,
    SHOW_LINK,
    TILE_EVENTS,
    step_script,
)
from apps.demo.models import BUILT_IN
from apps.demo.rendering import render_error

# Fields that only events use; they have to be on the page to be listened to.
UNSEEN = "am-unseen"
# Two cores: one for the face, one for all that follows it.
FOLLOWING: dict[str, Any] = {"trigger_mode": "always_last", "concurrency_id": "follow", "concurrency_limit": 1}


class Controls:
    """Builds the left side of the tab and draws the face whenever one of its fields changes.

    Attributes:
        quiet: settings of events that show no progress. At every turn of every event Gradio copies all places that have
            ever shown or hidden progress, and all that lies inside of them; one that is not on the page costs nothing.
        source: field with the name of the generator in use.
        address: field with the query of the address that leads to the face that is shown; `at` understands it.
        followed: trigger of what follows the face, at some distance.
        drawing: what `drawn` is the value of.
        face: the big face, part of `drawing`.
        link: the whole address, for people to read and copy.
    """

    def __init__(self, generators: GeneratorShelf, first: Laboratory | None, opened: Any) -> None:
        self.generators = generators
        self.quiet: dict[str, Any] = {
            "api_visibility": "private",
            "show_progress": "hidden",
            "show_progress_on": [gr.HTML(render=False)],
        }
        picture = "" if first is None else render_face(first.generator.image(FIRST_POINT), FIRST_POINT)
        self.face = gr.HTML(picture, elem_id="am-face", js_on_load=None)
        self.status = gr.HTML("", elem_id="am-face-status", js_on_load=None)
        self._seed_fields()
        self._truncation_fields()
        self._direction_fields([] if first is None else first.direction_names)
        self.source = gr.Textbox(BUILT_IN, elem_classes=UNSEEN)
        self._start, self._wanted, self.address, followed = (gr.Textbox("", elem_classes=UNSEEN) for _ in range(4))
        self.followed = followed.change
        self.face.change(None, None, followed, js=FOLLOW, **self.quiet)
        self.link = gr.Textbox("", label="Link to this face", interactive=False, render=False, elem_id="am-link")
        self._fields: list[Any] = [self._seed, self._start, self._truncation, self._clip, *self._amounts]
        self.drawing = [self.face, self.status, self.address]
        self._wire(opened)

    @property
    def outputs(self) -> list[Any]:
        """What `shown` and `equipped` are the values of."""
        return [self._seed_slider, *self._fields]

    def at(self, address: str) -> tuple[Laboratory, FacePoint]:
        """The generator and the point of the face that is shown.

        Asking for `address` alone costs the browser far less than asking for all fields.

        Raises:
            AnimeModelsError: the generator does not load, or the address is not of this page.
        """
        _, link = read_query(address)
        laboratory = self.generators.get(BUILT_IN if link is None else link.source)
        return laboratory, FIRST_POINT if link is None else laboratory.generator.from_permalink(link.face)

    def shown(self, laboratory: Laboratory, point: FacePoint) -> list[Any]:
        """Values of `outputs` that go to a point."""
        seed, *others = controls_of(laboratory, point)
        if seed is None:
            # The steps go on from the last seed.
            return [gr.skip(), gr.skip(), *others]
        return [min(seed, SLIDER_SEEDS), seed, *others]

    def equipped(self, laboratory: Laboratory, point: FacePoint) -> list[Any]:
        """The same, with the sliders of a generator that has just been chosen."""
        values = self.shown(laboratory, point)
        others, amounts = values[:-MAX_DIRECTIONS], values[-MAX_DIRECTIONS:]
        names = laboratory.direction_names
        return [*others, *(gr.Slider(value=amount, **_named(names, place)) for place, amount in enumerate(amounts))]

    def drawn(self, source: str, laboratory: Laboratory, point: FacePoint) -> list[Any]:
        """Values of `drawing` for a point."""
        link = Link(laboratory.generator.permalink(point), source)
        return [render_face(laboratory.generator.image(point), point), "", link_query(link)]

    def tiles(self, elem_id: str) -> gr.HTML:
        """A place for faces to click on; a click goes there."""
        tiles = gr.HTML("", elem_id=elem_id, js_on_load=TILE_EVENTS)
        tiles.select(self._go, self.source, [*self.outputs, self.status], **self.quiet)
        return tiles

    def _seed_fields(self) -> None:
        seed = FIRST_POINT.seed
        self._seed_slider = gr.Slider(0, SLIDER_SEEDS, seed, step=1, label="Seed", buttons=[], elem_id="am-seed-slider")
        with gr.Row(elem_classes="am-seed-row"):
            self._seed = gr.Number(seed, label="Any seed", info=f"0 to {LARGEST_SEED}", min_width=0, elem_id="am-seed")
            self._previous, self._next, self._random = (
                gr.Button(name, size="md", min_width=0, elem_id=f"am-{name.lower()}")
                for name in ("Previous", "Next", "Random")
            )

    def _truncation_fields(self) -> None:
        with gr.Row(elem_classes="am-pair"):
            self._truncation = gr.Slider(
                0,
                LARGEST_TRUNCATION,
                FIRST_POINT.truncation,
                step=0.05,
                label="Truncation",
                info="1: as learnt; 0: one average face.",
                min_width=0,
                elem_id="am-truncation",
            )
            self._clip = gr.Slider(
                0.5,
                NO_CLIP,
                NO_CLIP,
                step=0.1,
                label="Clip",
                info=f"Below {NO_CLIP:g}, cuts off outliers.",
                min_width=0,
                elem_id="am-clip",
            )

    def _direction_fields(self, names: Sequence[str]) -> None:
        with gr.Row(elem_classes="am-directions-title"):
            gr.HTML('<p class="am-label">Change the face</p>', js_on_load=None)
            self._reset = gr.Button("Reset", size="sm", min_width=0, scale=0, elem_id="am-reset")
        with gr.Row(elem_classes="am-directions"):
            self._amounts = [
                gr.Slider(-1, 1, 0, step=0.05, min_width=0, elem_classes="am-direction", **_named(names, place))
                for place in range(MAX_DIRECTIONS)
            ]

    def _wire(self, opened: Any) -> None:
        seeds = [self._seed, self._seed_slider, self._start]
        self._seed_slider.input(None, self._seed_slider, [self._seed, self._start], js=FROM_SLIDER, **self.quiet)
        self._seed.input(None, self._seed, [self._seed_slider, self._start], js=FROM_NUMBER, **self.quiet)
        self._previous.click(None, self._seed, seeds, js=step_script(-1), **self.quiet)
        self._next.click(None, self._seed, seeds, js=step_script(1), **self.quiet)
        self._random.click(None, None, seeds, js=RANDOM, **self.quiet)
        self._reset.click(None, None, self._amounts, js=RESET, **self.quiet)
        # The browser gathers the fields into one, since Gradio's costs grow with the fields that an event asks for.
        for changed in (opened, *(field.change for field in (self.source, *self._fields))):
            changed(None, [self.source, *self._fields], self._wanted, js=GATHER, **self.quiet)
        # One face at a time, so that an old one never comes after a newer one.
        self._wanted.change(
            self._draw,
            self._wanted,
            self.drawing,
            trigger_mode="always_last",
            concurrency_id="draw",
            concurrency_limit=1,
            **self.quiet,
        )
        self.address.change(None, self.address, self.link, js=SHOW_LINK, **self.quiet)

    def _draw(self, wanted: str) -> list[Any]:
        source, *fields = json.loads(wanted)
        try:
            laboratory = self.generators.get(source)
            return self.drawn(source, laboratory, point_of(laboratory, *fields))
        except AnimeModelsError as error:
            return [gr.skip(), render_error(str(error)), gr.skip()]

    def _go(self, source: str, clicked: gr.EventData) -> list[Any]:
        try:
            laboratory = self.generators.get(source)
            point = laboratory.generator.from_permalink(str(clicked.go))
        except AnimeModelsError as error:
            return [*(gr.skip() for _ in self.outputs), render_error(str(error))]
        return [*self.shown(laboratory, point), ""]


def _named(names: Sequence[str], place: int) -> dict[str, Any]:
    """Label and visibility of the direction slider at a place."""
    return {"label": names[place] if place < len(names) else "", "visible": place < len(names)}
