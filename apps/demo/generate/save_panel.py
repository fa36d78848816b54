"""Taking faces home: the picture, the link, and an archive that makes every face of the page again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from anime_models.enlargement import enlarge
from anime_models.errors import AnimeModelsError, ConfigError
from anime_models.permalinks import FacePoint
from anime_models.picture_archive import MANIFEST, read_seeds, rebuild_archive, write_archive
from apps.demo.generate.animating import MAX_KEYFRAMES
from apps.demo.generate.animation_panel import PROGRESS, AnimationPanel
from apps.demo.generate.controls import UNSEEN, Controls
from apps.demo.generate.keeping import as_parcel, without_repeats
from apps.demo.generate.points import picture_name
from apps.demo.generate.rendering import SCALE, png_bytes
from apps.demo.generate.scripts import COPY_LINK, SAVE_PARCEL
from apps.demo.messages import errors_as_messages
from apps.demo.rendering import render_done, render_error
from apps.demo.uploads import Payload, upload_of

Points = Sequence[FacePoint]
TEXT = (
    f'<p class="am-muted">The archive holds this face and the keyframes of the animation, and a {MANIFEST} that makes '
    "each of them again. Open it here, or one that was saved beside the neighbours, to go on where you were; or have "
    f"all its pictures made again, for which the {MANIFEST} alone suffices.</p>"
)


class SavePanel:
    """Builds the buttons and wires them."""

    def __init__(self, controls: Controls, animation: AnimationPanel) -> None:
        self.controls = controls
        self.animation = animation
        with gr.Row():
            face = gr.Button("Save this face (PNG)", variant="primary", size="md", elem_id="am-save-face")
            everything = gr.Button("Save with keyframes (ZIP)", size="md", elem_id="am-save-archive")
        gr.HTML(TEXT, js_on_load=None)
        kinds = [".zip", ".json"]
        with gr.Row():
            seeds = gr.UploadButton("Open a saved archive", file_types=kinds, size="md", elem_id="am-open-seeds")
            again = gr.UploadButton(
                "Make its pictures again (ZIP)", file_types=kinds, size="md", elem_id="am-rebuild-seeds"
            )
        self._status = gr.HTML("", elem_id="am-save-status", js_on_load=None)
        controls.link.render()
        copy = gr.Button("Copy the link", size="md", elem_id="am-copy-link")
        copied = gr.HTML("", elem_id="am-copied", js_on_load=None)
        parcel = gr.Textbox("", elem_classes=UNSEEN)

        copy.click(None, controls.link, copied, js=COPY_LINK, **controls.quiet)
        for button, pack, inputs in (
            (face, self._pack_face, [controls.address]),
            (everything, self._pack_all, [animation.keyframes, controls.address]),
        ):
            packed = button.click(pack, inputs, parcel, concurrency_id="explore", **controls.quiet)
            packed.success(None, parcel, None, js=SAVE_PARCEL, **controls.quiet)
        rebuilt = again.upload(
            self._pack_again,
            [again, controls.source],
            [parcel, self._status],
            api_visibility="private",
            # Up to 256 pictures, for which no other visitor's neighbours should wait.
            concurrency_id="rebuild",
            concurrency_limit=1,
            preprocess=False,
            show_progress_on=[self._status],
        )
        rebuilt.success(None, parcel, None, js=SAVE_PARCEL, **controls.quiet)
        outputs = [*controls.outputs, *animation.outputs, self._status]
        seeds.upload(self._open, [seeds, controls.source], outputs, preprocess=False, **controls.quiet)

    def _pack_face(self, address: str) -> str:
        with errors_as_messages():
            laboratory, point = self.controls.at(address)
            return as_parcel(picture_name(point), png_bytes(enlarge(laboratory.generator.image(point), SCALE)))

    def _pack_all(self, keyframes: Points, address: str) -> str:
        with errors_as_messages():
            laboratory, point = self.controls.at(address)
            points = without_repeats(laboratory, [point, *keyframes])
            return as_parcel("faces.zip", write_archive(laboratory.generator, points, SCALE))

    def _pack_again(self, payload: Payload, source: str, progress: gr.Progress = PROGRESS) -> tuple[str, str]:
        """All pictures of an archive, from its ``seeds.json`` alone."""

        def show(done: int, count: int) -> None:
            progress((done, count), desc="Drawing", unit="pictures")

        try:
            generator = self.controls.generators.get(source).generator
            data = rebuild_archive(generator, Path(upload_of(payload).path).read_bytes(), show)
        except AnimeModelsError as error:
            return "", render_error(str(error))
        return as_parcel("faces.zip", data), render_done(f"Made again: {len(data) / 1e6:.1f} MB.")

    def _open(self, payload: Payload, source: str) -> list[Any]:
        """The first face of the archive becomes the one that is shown, the first few the keyframes."""
        try:
            generator = self.controls.generators.get(source).generator
            seeds = read_seeds(Path(upload_of(payload).path).read_bytes())
            if seeds.generator != generator.fingerprint:
                raise ConfigError(
                    "These faces are another generator's. Choose that generator below, then open the archive again."
                )
            points = seeds.points()
            shown = self.controls.shown(self.controls.generators.get(source), points[0])
            listed = self.animation.listed(source, points[:MAX_KEYFRAMES])
        except AnimeModelsError as error:
            nothing = [gr.skip()] * len([*self.controls.outputs, *self.animation.outputs])
            return [*nothing, render_error(str(error))]
        note = "its first ones are the keyframes" if len(points) > MAX_KEYFRAMES else "they are the keyframes"
        return [*shown, *listed, render_done(f"{len(points)} faces opened; {note} now.")]
