"""Features of the frozen part of a model, computed once for several views of each picture and kept on disk.

Every set of features has a folder of its own, named by a digest of what it depends on. ``features.npy`` holds half
precision: of numbers in its range, as activations are, it keeps eleven bits where bfloat16 keeps eight, and what
bfloat16 autocast computes it keeps unchanged but for numbers below 6e-5. Once a chunk is written its checksum is noted
in ``progress.json``, which becomes ``manifest.json`` with the last chunk. So a killed computation goes on after its
last chunk, and a chunk that is damaged, whether by a crash or by the disk, is noticed and computed again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from anime_models.errors import ConfigError

FEATURES, PROGRESS, MANIFEST, LOCK = "features.npy", "progress.json", "manifest.json", "lock"
FORMAT_VERSION = 1
LIBRARIES = ("timm", "torch", "torchvision")  # another version of these may give other features
CHUNK_SIZE = 64  # pictures
# Half precision rounds by at most 2 ** -11 of a number in its range: more means that the features leave that range.
LARGEST_ERROR = 1e-3

# The number of a view and rows [n] to normalised inputs [n, 3, S, S]; it may depend on nothing else.
View = Callable[[int, Tensor], Tensor]
Report = Callable[[str], object]


def _say(line: str) -> None:
    """Print a line at once, also into a pipe or file."""
    print(line, flush=True)


@dataclass(frozen=True)
class CachedViews:
    """Features of all pictures in every view, memory-mapped.

    Attributes:
        features: float16 ``[K, N, F]``, ``[K, N, tokens, F]``, or maps with channels last, ``[K, N, H, W, C]``.
        dtype: what the frozen part gives.
    """

    features: np.ndarray
    dtype: torch.dtype

    def batch(self, view: int, rows: Tensor) -> Tensor:
        """Features of rows ``[n]`` in one view, as the frozen part gives them; maps are ``[n, C, H, W]``."""
        chosen = torch.from_numpy(self.features[view][rows.numpy()]).to(self.dtype)
        return chosen.permute(0, 3, 1, 2) if chosen.ndim == 4 else chosen


def digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of named tensors: names, types, shapes and values, whatever their layout in memory."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].detach().cpu().contiguous()
        total.update(f"{name} {values.dtype} {list(values.shape)}\n".encode())
        total.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def cached_views(
    folder: Path,
    lower: Callable[[Tensor], Tensor],
    view: View,
    *,
    num_images: int,
    num_views: int,
    key_parts: Mapping[str, object],
    report: Report = _say,
) -> CachedViews:
    """Features of ``num_images`` pictures in ``num_views`` views: read where they are there, else computed.

    Args:
        folder: holds the folders of all cached features.
        lower: the frozen part of a model, in the mode that it is to run in.
        view: makes its inputs.
        num_images: how many pictures there are, N.
        num_views: how many views of each, K.
        key_parts: what the features depend on, as JSON: digests of weights and pixels, boundary, transform, seed,
            precision. Features are found again by these and by the versions of the libraries.
        report: is told what is computed, and what is wrong with the files.

    Raises:
        ConfigError: when there is nothing to compute, the folder cannot be written to, the disk is too small, or the
            features do not fit half precision.
    """
    if num_images < 1 or num_views < 1:
        raise ConfigError(f"There are no features of {num_images} pictures in {num_views} views; ask for one at least.")
    key = {
        "format_version": FORMAT_VERSION,
        "num_images": num_images,
        "num_views": num_views,
        "chunk_size": CHUNK_SIZE,
        "libraries": {name: version(name) for name in LIBRARIES},
        "parts": dict(key_parts),
    }
    place = folder / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    with _locked(place, report):
        entry = _Entry(place, key, num_images, num_views, report)
        entry.recover()
        _compute(entry, lower, view)
        return entry.opened()


def _compute(entry: _Entry, lower: Callable[[Tensor], Tensor], view: View) -> None:
    """Compute the chunks that are missing."""
    missing = entry.missing()
    for number, following in zip_longest(missing, missing[1:]):
        number_of_view, rows = entry.rows(number)
        with torch.inference_mode():
            features = lower(view(number_of_view, rows))
        entry.write(number, features)
        if following is None or entry.rows(following)[0] != number_of_view:
            entry.report(f"cached features: view {number_of_view + 1} of {entry.num_views} in {entry.folder}")


class _Ledger(BaseModel):
    """What is known of ``features.npy``: its shape, and the CRC-32 of every chunk that is written."""

    model_config = ConfigDict(extra="forbid")

    key: dict[str, object]
    shape: tuple[int, ...]
    dtype: Literal["float16", "bfloat16", "float32"]
    checksums: list[int | None]


class _Entry:
    """The folder of one set of features. Chunks are numbered view by view."""

    def __init__(self, folder: Path, key: dict[str, object], num_images: int, num_views: int, report: Report) -> None:
        self.folder, self.key, self.report = folder, key, report
        self.num_images, self.num_views = num_images, num_views
        self.chunks_per_view = -(-num_images // CHUNK_SIZE)
        self.ledger: _Ledger | None = None

    def rows(self, number: int) -> tuple[int, Tensor]:
        """The view and the rows of a chunk."""
        view, chunk = divmod(number, self.chunks_per_view)
        return view, torch.arange(chunk * CHUNK_SIZE, min((chunk + 1) * CHUNK_SIZE, self.num_images))

    def missing(self) -> list[int]:
        """Numbers of the chunks that are still to be computed."""
        if self.ledger is None:
            return list(range(self.num_views * self.chunks_per_view))
        return [number for number, checksum in enumerate(self.ledger.checksums) if checksum is None]

    def opened(self) -> CachedViews:
        """All features, to be read."""
        assert self.ledger is not None
        with _disk_errors(self.folder):
            return CachedViews(self._mapped(), getattr(torch, self.ledger.dtype))

    def recover(self) -> None:
        """Read what an earlier call has left, and forget of it what is damaged."""
        with _disk_errors(self.folder):
            path = next((self.folder / name for name in (MANIFEST, PROGRESS) if (self.folder / name).exists()), None)
            if path is None:
                return
            try:
                self.ledger = self._read(path)
            except (ValueError, FileNotFoundError):
                self.report(f"The cached features in {self.folder} are damaged; they are computed again.")
                path.unlink()
                (self.folder / FEATURES).unlink(missing_ok=True)
                return
            damaged = self._damaged(self.ledger.checksums)
            if damaged:
                for number in damaged:
                    self.ledger.checksums[number] = None
                self._save(self.ledger)
                (self.folder / MANIFEST).unlink(missing_ok=True)
                self.report(f"{len(damaged)} chunks of the features in {self.folder} are damaged and computed again.")

    def write(self, number: int, features: Tensor) -> None:
        """Store a chunk and note that it is there."""
        stored = _stored(features)
        view, rows = self.rows(number)
        with _disk_errors(self.folder):
            ledger = self.ledger or self._begin(stored.shape[1:], str(features.dtype).removeprefix("torch."))
            if stored.shape != (len(rows), *ledger.shape[2:]):
                raise ConfigError(
                    f"{len(rows)} pictures became features {list(stored.shape)}, but those in {self.folder} are "
                    f"{list(ledger.shape)}; delete that folder."
                )
            first_byte = (view * self.num_images + int(rows[0])) * stored[0].nbytes
            # Written as a file, not through the memory map: a full disk is then an error, not the end of the process.
            with (self.folder / FEATURES).open("r+b") as file:
                file.seek(self._mapped().offset + first_byte)
                file.write(stored.data)
            ledger.checksums[number] = zlib.crc32(stored.data)
            self._save(ledger)

    def _begin(self, shape: tuple[int, ...], dtype: str) -> _Ledger:
        """Make the file of all features, empty."""
        whole = (self.num_views, self.num_images, *shape)
        size, free = np.dtype(np.float16).itemsize * int(np.prod(whole)), shutil.disk_usage(self.folder).free
        if size > free:
            raise ConfigError(
                f"The features take {size / 1e9:.1f} GB, but the disk of {self.folder} has only {free / 1e9:.1f} GB "
                "left; delete what other runs have cached, or name another --cache."
            )
        temporary = self.folder / "features.tmp"
        np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float16, shape=whole)
        temporary.replace(self.folder / FEATURES)
        checksums = [None] * (self.num_views * self.chunks_per_view)
        self.ledger = _Ledger.model_validate({"key": self.key, "shape": whole, "dtype": dtype, "checksums": checksums})
        return self.ledger

    def _read(self, path: Path) -> _Ledger:
        """The ledger, or a ``ValueError`` when it cannot be read or is not that of the features beside it."""
        ledger = _Ledger.model_validate_json(path.read_bytes())
        if ledger.shape != self._mapped().shape or len(ledger.checksums) != self.num_views * self.chunks_per_view:
            raise ValueError(f"{path} is not the ledger of {FEATURES}")
        return ledger

    def _damaged(self, checksums: list[int | None]) -> list[int]:
        features, damaged = self._mapped(), []
        for number, checksum in enumerate(checksums):
            view, rows = self.rows(number)
            if checksum is not None and zlib.crc32(features[view, int(rows[0]) : int(rows[-1]) + 1].data) != checksum:
                damaged.append(number)
        return damaged

    def _mapped(self) -> np.memmap:
        return np.lib.format.open_memmap(self.folder / FEATURES, mode="r")

    def _save(self, ledger: _Ledger) -> None:
        temporary = self.folder / "ledger.tmp"
        temporary.write_text(ledger.model_dump_json() + "\n", "utf-8")
        temporary.replace(self.folder / PROGRESS)
        if None not in ledger.checksums:
            (self.folder / PROGRESS).replace(self.folder / MANIFEST)


def _stored(features: Tensor) -> np.ndarray:
    """Features in half precision, maps with channels last, or a ``ConfigError`` when that is too coarse."""
    halved = features.half()
    error, largest = (halved.float() - features.float()).abs().max(), features.abs().max()
    if not error <= LARGEST_ERROR * largest:  # so written, NaN is an error too
        raise ConfigError(
            f"Features as large as {float(largest):.3g} do not fit half precision, in which they are cached; check the "
            "weights that compute them, or have a classifier trained by a recipe that caches none (views = ())."
        )
    ordered = halved.permute(0, 2, 3, 1) if halved.ndim == 4 else halved
    stored: np.ndarray = ordered.contiguous().cpu().numpy()
    return stored


@contextmanager
def _locked(folder: Path, report: Report) -> Iterator[None]:
    """Hold a folder for this process alone; the lock ends with the process, however that ends."""
    with _disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("w")
    with file:
        with _disk_errors(folder):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"Another process computes the features in {folder}; waiting for it.")
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"Features cannot be cached in {folder} ({error.strerror or error}); name another --cache, which can be "
            "written to and has space left."
        ) from error
