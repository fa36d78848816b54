"""The tab for many files at once."""

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from anime_models.errors import AnimeModelsError
from apps.demo.batch import MAX_FILES, read_files, to_csv
from apps.demo.batch_table import render_rows, render_summary
from apps.demo.models import ModelChoice, ModelShelf
from apps.demo.rendering import render_error
from apps.demo.settings_panel import SettingsPanel
from apps.demo.uploads import Payload, uploads_of

CSV_NAME = "anime-models.csv"
# Gradio tells by a default value of this type that a handler reports progress; it holds no visitor's data.
PROGRESS = gr.Progress()
INTRODUCTION = (
    f"<p>Drop up to {MAX_FILES} pictures. Every face becomes a row of a table that you can download; a file that "
    "cannot be read gets a row that says why. Models and thresholds are those set in the Identify tab.</p>"
)


class BatchTab:
    """Builds the tab and wires it."""

    def __init__(self, shelf: ModelShelf, settings: SettingsPanel) -> None:
        self.shelf = shelf
        gr.HTML(INTRODUCTION, js_on_load=None)
        self.files = gr.File(file_count="multiple", label="Pictures", height=220, elem_id="am-files")
        with gr.Row():
            button = gr.Button("Identify all", variant="primary", size="md", elem_id="am-identify-all")
            self.download = gr.DownloadButton("Download CSV", interactive=False, size="md", elem_id="am-csv")
        self.status = gr.HTML("", elem_id="am-batch-status", js_on_load=None)
        self.table = gr.HTML("", elem_id="am-batch-table", js_on_load=None)
        button.click(
            self._read_all,
            [self.files, settings.choice, *settings.fields],
            [self.status, self.table, self.download],
            preprocess=False,
            api_visibility="private",
            concurrency_id="read",
            show_progress_on=[self.status],
        )

    def _read_all(
        self,
        files: list[Payload] | None,
        choice: ModelChoice,
        top_k: float,
        own: bool,
        abstain_below: float,
        detection_threshold: float,
        progress: gr.Progress = PROGRESS,
    ) -> tuple[str, str, gr.DownloadButton]:
        def show(done: int, name: str) -> None:
            progress((done, len(uploads)), desc=f"Reading {name}", unit="files")

        uploads = uploads_of(files)
        settings = SettingsPanel.read(top_k, own, abstain_below, detection_threshold)
        try:
            rows = read_files(self.shelf.reader(choice), uploads, settings, show)
        except AnimeModelsError as error:
            return render_error(str(error)), "", gr.DownloadButton(interactive=False)
        # With a byte order mark, so that spreadsheet programs read names in any script right.
        path = save_bytes_to_cache(to_csv(rows).encode("utf-8-sig"), CSV_NAME, self.download.GRADIO_CACHE)
        return render_summary(rows), render_rows(rows), gr.DownloadButton(value=path, interactive=True)
