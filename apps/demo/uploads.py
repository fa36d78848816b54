"""Uploads as Gradio hands them over undecoded.

Gradio's fields open every picture with Pillow before a handler sees it; a text file named .png then ends in a message
about Pillow instead of one about the file, and a decompression bomb is met without our limits. So handlers listen with
``preprocess=False`` and get the fields' raw values. By then Gradio has checked that the visitor uploaded the files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anime_models.errors import ImageTypeError

Payload = dict[str, Any]


@dataclass(frozen=True)
class Upload:
    """A file on this machine and the name that its owner gave it."""

    path: Path
    name: str


def upload_of(payload: Payload) -> Upload:
    """The file behind the raw value of a picture or file field.

    Raises:
        ImageTypeError: the picture came as text instead of a file.
    """
    path = payload.get("path")
    if not path:
        raise ImageTypeError("The picture did not come as a file. Upload it as a file.")
    return Upload(Path(path), Path(payload.get("orig_name") or path).name)


def uploads_of(payloads: list[Payload] | Payload | None) -> list[Upload]:
    """The files behind the raw value of a field for several files, in order."""
    listed = [payloads] if isinstance(payloads, dict) else payloads or []
    return [upload_of(payload) for payload in listed]
