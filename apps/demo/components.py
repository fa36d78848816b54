"""Upload fields that leave decoding to `anime_models.images`.

Gradio's own fields open every upload with Pillow before we see it; a text file named .png then ends in a message about
Pillow instead of one about the file, and a decompression bomb is met without our limits.
"""

from pathlib import Path

import gradio as gr
from gradio.components.file import ListFiles
from gradio.data_classes import FileData, ImageData

from apps.demo.batch import Upload


class PictureField(gr.Image):
    """A picture by upload, paste or webcam; handlers get the path of the file as it came, or None."""

    # Tells Gradio to show it as what it derives from.
    is_template = True

    def preprocess(self, payload: ImageData | None) -> str | None:
        """The path of the upload; Gradio has checked that the visitor did upload it."""
        if payload is None:
            return None
        if payload.path is None:
            raise gr.Error("Send the picture as a file, not as text.", print_exception=False)
        return payload.path


class FilesField(gr.File):
    """Several files; handlers get a list of `Upload`."""

    is_template = True

    def preprocess(self, payload: ListFiles | FileData | None) -> list[Upload]:
        """Paths and original names of the uploads, in order."""
        if payload is None:
            return []
        files = payload.root if isinstance(payload, ListFiles) else [payload]
        return [Upload(Path(file.path), Path(file.orig_name or file.path).name) for file in files]
