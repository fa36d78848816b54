"""The tab Generate: a face from a seed, and everything that can be done with it."""

from collections.abc import Collection
from functools import partial
from typing import Any

import gradio as gr

from anime_models.errors import AnimeModelsError
from anime_models.permalinks import FacePoint
from apps.demo.generate.animation_panel import AnimationPanel
from apps.demo.generate.controls import UNSEEN, Controls
from apps.demo.generate.epochs_panel import EpochsPanel
from apps.demo.generate.explore_panels import CLEARED, NeighboursPanel, RankingPanel
from apps.demo.generate.laboratory import GeneratorShelf, Laboratory, no_generator
from apps.demo.generate.points import FIRST_POINT, read_query
from apps.demo.generate.projection_panel import ProjectionPanel
from apps.demo.generate.save_panel import SavePanel
from apps.demo.generate.scripts import READ_ADDRESS, show_tab_script
from apps.demo.generate.seen_panel import SeenPanel
from apps.demo.models import BUILT_IN, ModelShelf, known_sources
from apps.demo.rendering import render_done, render_error

GENERATE = "generate"
NEIGHBOURS = "neighbours"
BENCH = ["am-lab"]


class GenerateTab:
    """Builds the tab and wires it. Holds no visitor's data: that lives in `gr.State` and in the page."""

    def __init__(self, shelf: ModelShelf, generators: GeneratorShelf, choice: gr.State, tab: gr.Tab) -> None:
        self.generators = generators
        first = generators.first()
        self._missing = gr.HTML(
            render_error(no_generator()), visible=first is None, elem_id="am-no-generator", js_on_load=None
        )
        self._link_status = gr.HTML("", elem_id="am-link-status", js_on_load=None)
        # Hidden by class: what is hidden inside would be shown with a bench that was made visible.
        with gr.Row(elem_classes=BENCH if first else [*BENCH, UNSEEN]) as self._bench:
            with gr.Column(elem_classes="am-area-face", min_width=0):
                self.controls = Controls(generators, first, tab.select)
            with gr.Column(elem_classes="am-area-lab", min_width=0):
                SeenPanel(shelf, self.controls, choice, tab.select)
                self._panels(shelf, first, tab)
        self._choosing()

    def _panels(self, shelf: ModelShelf, first: Laboratory | None, tab: gr.Tab) -> None:
        view = gr.State("")
        controls = self.controls
        with gr.Tabs(overflow_behavior="wrap", elem_id="am-panels"):
            with gr.Tab("Neighbours", id=NEIGHBOURS) as neighbours:
                self._neighbours = NeighboursPanel(controls, view, NEIGHBOURS)
            with gr.Tab("Best of many", id="ranking") as ranking:
                self._ranking = RankingPanel(controls)
            with gr.Tab("Animation", id="animation") as animation:
                self._animation = AnimationPanel(controls)
            with gr.Tab("Your picture", id="projection") as projection:
                ProjectionPanel(shelf, controls)
            with gr.Tab("Training", id="epochs") as epochs:
                self._epochs = EpochsPanel(controls, first)
            with gr.Tab("Save", id="save") as save:
                SavePanel(controls, self._animation)
        # What is not seen is not drawn anew with every face.
        for panel in (neighbours, ranking, animation, projection, epochs, save):
            panel.select(partial(str, panel.id), None, view, **self.controls.quiet)
        tab.select(lambda shown: shown or NEIGHBOURS, view, view, **self.controls.quiet)

    def _choosing(self) -> None:
        with gr.Accordion("Another generator", open=False, elem_id="am-choose-generator"):
            self._field = gr.Dropdown(
                [BUILT_IN],
                value=BUILT_IN,
                allow_custom_value=True,
                label="Generator",
                info=known_sources(),
                elem_id="am-generator",
            )
            button = gr.Button("Use this generator", size="md", elem_id="am-use-generator")
            self._status = gr.HTML("", elem_id="am-generator-status", js_on_load=None)
        button.click(
            self._choose,
            [self.controls.source, self._field],
            [*self._outputs, self._status],
            api_visibility="private",
            concurrency_id="load",
            show_progress_on=[self._status],
        )

    @property
    def _outputs(self) -> list[Any]:
        """What `_equipped` is the value of."""
        return [
            self.controls.source,
            self._missing,
            self._bench,
            *self.controls.outputs,
            *self.controls.drawing,
            *self._epochs.outputs,
            *self._animation.outputs,
            *self._neighbours.outputs,
            *self._ranking.outputs,
        ]

    def _equipped(self, source: str, laboratory: Laboratory, point: FacePoint) -> list[Any]:
        """The page with another generator: what belonged to the old one is gone."""
        return [
            source,
            gr.HTML(visible=False),
            gr.Row(elem_classes=BENCH),
            *self.controls.equipped(laboratory, point),
            *self.controls.drawn(source, laboratory, point),
            *self._epochs.equipped(laboratory),
            *self._animation.listed(source, ()),
            *CLEARED,
            *CLEARED,
        ]

    def _choose(self, old: str, wanted: str | None) -> list[Any]:
        source = (wanted or "").strip() or BUILT_IN
        try:
            laboratory = self.generators.get(source)
        except AnimeModelsError as error:
            kept = "" if old == BUILT_IN and self.generators.first() is None else f" Still in use: {old}."
            return [*self._unchanged, render_error(f"{error}{kept}")]
        size = laboratory.generator.image_size
        done = render_done(f"In use: {source} ({size} px, directions: {len(laboratory.direction_names)}).")
        return [*self._equipped(source, laboratory, FIRST_POINT), done]

    def open_links(self, demo: gr.Blocks, tabs: gr.Tabs) -> None:
        """Let the page open on the tab and the face that its address asks for, and the address follow the tabs."""
        names = []
        for tab in tabs.children:
            if isinstance(tab, gr.Tab):
                names.append(str(tab.id))
                script = show_tab_script(names[-1], first=len(names) == 1)
                tab.select(None, None, None, js=script, **self.controls.quiet)
        query = gr.Textbox("", elem_classes=UNSEEN)
        outputs = [tabs, *self._outputs, self._link_status]
        demo.load(partial(self._open, names), query, outputs, js=READ_ADDRESS, **self.controls.quiet)

    def _open(self, names: Collection[str], query: str) -> list[Any]:
        wanted, link = read_query(query)
        if link is None:
            return [gr.Tabs(selected=wanted) if wanted in names else gr.skip(), *self._unchanged, ""]
        selected = gr.Tabs(selected=wanted if wanted in names else GENERATE)
        try:
            laboratory = self.generators.get(link.source)
            values = self._equipped(link.source, laboratory, laboratory.generator.from_permalink(link.face))
        except AnimeModelsError as error:
            return [selected, *self._unchanged, render_error(f"The link does not open. {error}")]
        return [selected, *values, ""]

    @property
    def _unchanged(self) -> list[Any]:
        return [gr.skip()] * len(self._outputs)
