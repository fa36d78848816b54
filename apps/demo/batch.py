"""Many files: every one is read, a bad one costs no more than its own row, and the rows become a table or a CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from anime_models.errors import AnimeModelsError, ConfigError
from anime_models.images import load_image
from anime_models.reader import FaceReader
from apps.demo.answers import face_as_row
from apps.demo.identify import Settings
from apps.demo.uploads import Upload

MAX_FILES = 200
COLUMNS = (
    "file",
    "face",
    "x0",
    "y0",
    "x1",
    "y1",
    "face_score",
    "character",
    "series",
    "character_confidence",
    "character_verdict",
    "character_set",
    "emotion",
    "emotion_confidence",
    "emotion_verdict",
    "emotion_set",
    "error",
)
# A cell that begins with one of these is run as a formula by spreadsheet programs.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

Row = dict[str, Any]


def read_files(
    reader: FaceReader,
    uploads: Sequence[Upload],
    settings: Settings,
    on_progress: Callable[[int, str], None] | None = None,
) -> list[Row]:
    """Rows of all files, in their order: one per face, or one with the reason why the file could not be read.

    Args:
        reader: finds and reads the faces.
        uploads: 1 to `MAX_FILES` files.
        settings: thresholds.
        on_progress: told how many files are done and the name of the next one.

    Raises:
        ConfigError: there are no files or too many.
    """
    if not uploads:
        raise ConfigError("There are no files yet. Drop some pictures first.")
    if len(uploads) > MAX_FILES:
        raise ConfigError(f"These are {len(uploads)} files; at most {MAX_FILES} go at once. Send them in parts.")
    rows: list[Row] = []
    for done, upload in enumerate(uploads):
        if on_progress:
            on_progress(done, upload.name)
        rows += _rows_of(upload, reader, settings)
    return rows


def _rows_of(upload: Upload, reader: FaceReader, settings: Settings) -> list[Row]:
    try:
        reading = reader.read(load_image(upload.path), settings.detection_threshold, settings.abstain_below)
    except AnimeModelsError as error:
        return [{"file": upload.name, "error": str(error)}]
    return [face_as_row(upload.name, face) for face in reading.faces]


def to_csv(rows: Iterable[Row]) -> str:
    """Rows as CSV with a header; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({column: _cell(row.get(column)) for column in COLUMNS} for row in rows)
    return buffer.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
