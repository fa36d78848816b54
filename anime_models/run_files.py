"""What a run leaves beside its record: figures of its epochs, predictions, sample pictures, folds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anime_models.calibration import calibrated
from anime_models.epoch_pictures import epoch_pictures
from anime_models.errors import RecordError
from anime_models.records import RunRecord

__all__ = ["Labels", "Predictions", "RunFiles"]

METRICS, PREDICTIONS, CONFIG, CHECKPOINT = "metrics.jsonl", "predictions.parquet", "config.json", "checkpoint"
# Grids of one noise after each epoch, in a run folder and in a checkpoint; and the grid that nobody picked from.
SAMPLES, EPOCHS, UNCURATED = "samples", "epochs", "uncurated.webp"


@dataclass(frozen=True)
class Labels:
    """The classes of a classifier: their names, and the series of each where it is known (else empty)."""

    names: tuple[str, ...]
    series: tuple[str, ...]


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of the pictures of one split.

    Attributes:
        ids: id of each picture, ``dataset/split/digest`` of its file, maybe with ``+corruption`` after it.
        labels: the true class of each, int ``[N]``.
        logits: float ``[N, C]``, without the output for strangers.
        names: names of the ``C`` classes.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    logits: np.ndarray
    names: tuple[str, ...]

    def probabilities(self, temperature: float = 1.0) -> np.ndarray:
        """Probabilities ``[N, C]`` at a temperature above 0."""
        return calibrated(self.logits, temperature)


class RunFiles:
    """The files around a record: of a run folder, of a checkpoint, or none where the record stands alone."""

    def __init__(self, path: Path, record: RunRecord) -> None:
        self.path, self.record = path, record
        self.folder = path.parent if path.name == "record.json" else None

    def epochs(self) -> list[dict[str, float]]:
        """Lines of ``metrics.jsonl``: figures by name, one dictionary for each epoch; a half-written last one is left.

        Raises:
            RecordError: when another line is no JSON object.
        """
        content = self._bytes(METRICS)
        lines = content.decode("utf-8", "replace").splitlines() if content else []
        epochs = []
        for number, line in enumerate(lines, start=1):
            figures = _json_object(line)
            if figures is not None:
                epochs.append({name: float(value) for name, value in figures.items() if isinstance(value, int | float)})
            elif number < len(lines):
                raise RecordError(f"{self.folder}/{METRICS}: line {number} is no JSON object; repeat the run.")
        return epochs

    def splits(self) -> tuple[str, ...]:
        """The splits of known faces that there are predictions for, in the order of the file.

        Raises:
            RecordError: when the file cannot be read.
        """
        if not self._has(PREDICTIONS):
            return ()
        names = dict.fromkeys(self._table(["split"], None)["split"].to_pylist())
        return tuple(name for name in names if not name.startswith("strangers_"))

    def predictions(self, split: str = "test") -> Predictions | None:
        """Predictions on a split, or None where there are none.

        Raises:
            RecordError: when the file cannot be read or does not fit the record's classes.
        """
        names = self.labels().names
        if not names or not self._has(PREDICTIONS):
            return None
        table = self._table(["image_id", "label", "logits"], [("split", "==", split)])
        if not len(table):
            return None
        logits = np.array(table["logits"].to_pylist(), dtype=np.float64)
        if logits.ndim != 2 or logits.shape[1] < len(names):
            raise RecordError(
                f"{self.folder}/{PREDICTIONS} has not the {len(names)} classes of its record; repeat the run."
            )
        return Predictions(
            ids=tuple(table["image_id"].to_pylist()),
            labels=table["label"].to_numpy(),
            logits=logits[:, : len(names)],
            names=names,
        )

    def labels(self) -> Labels:
        """The classes: of the checkpoint, else as the record's results name them."""
        for folder in self._folders():
            config = _json_object(_text(folder / CONFIG))
            if config and config.get("label_names"):
                names = tuple(map(str, config["label_names"]))
                details = config.get("label_details") or [{}] * len(names)
                return Labels(names, tuple(str(detail.get("series", "")) for detail in details))
        of_classes = [r for r in self.record.results if r.class_name is not None and r.metric == "f1"]
        names = tuple(r.class_name or "" for r in of_classes if r.split == of_classes[0].split)
        return Labels(names, ("",) * len(names))

    def samples(self) -> tuple[Path, ...]:
        """Grids of one fixed noise, one for each epoch, in order."""
        for folder in self._folders():
            for name in (SAMPLES, EPOCHS):
                if found := epoch_pictures(folder / name):
                    return found
        return ()

    def uncurated(self) -> Path | None:
        """A grid of generated pictures that nobody has picked from."""
        paths = (folder / UNCURATED for folder in self._folders())
        return next((path for path in paths if path.is_file()), None)

    def parts(self) -> tuple[Path, ...]:
        """Folders of the folds that the run consists of."""
        return tuple(sorted(self.folder.glob("fold-*"))) if self.folder else ()

    def artefacts(self) -> list[tuple[str, int]]:
        """Files of the run, relative to its folder, with their sizes in bytes; a record alone is its own file."""
        if self.folder is None:
            return [(self.path.name, self.path.stat().st_size)]
        files = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        return [(path.relative_to(self.folder).as_posix(), path.stat().st_size) for path in files]

    def last_change(self) -> float:
        """When one of its files was last written, in seconds since 1970."""
        folder = self.folder
        files = (
            [self.path] if folder is None else [*folder.iterdir(), *folder.glob("fold-*/*"), *folder.glob("*/*.webp")]
        )
        return max(path.stat().st_mtime for path in files)

    def _folders(self) -> tuple[Path, ...]:
        return (self.folder / CHECKPOINT, self.folder) if self.folder else ()

    def _has(self, name: str) -> bool:
        return self.folder is not None and (self.folder / name).is_file()

    def _bytes(self, name: str) -> bytes:
        return (self.folder / name).read_bytes() if self.folder and self._has(name) else b""

    def _table(self, names: list[str], filters: list[tuple[str, str, str]] | None) -> pa.Table:
        path = f"{self.folder}/{PREDICTIONS}"
        try:
            return pq.read_table(path, columns=names, filters=filters)
        except (pa.ArrowException, OSError) as error:
            raise RecordError(f"{path} cannot be read as Parquet ({error}); repeat the run.") from error


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.is_file() else ""


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        loaded = json.loads(text)
    except ValueError:
        return None
    return loaded if isinstance(loaded, dict) else None
