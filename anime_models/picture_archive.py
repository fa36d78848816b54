"""A zip of generated faces with the ``seeds.json`` that they can be made from again, byte for byte."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anime_models.enlargement import LARGEST_FACTOR, enlarge
from anime_models.errors import ConfigError
from anime_models.generator import FaceGenerator
from anime_models.permalinks import FacePoint

MANIFEST = "seeds.json"
MAX_PICTURES = 256
_MAX_MANIFEST_BYTES = 4_000_000
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip holds; the real one would change the bytes
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PointEntry(_Part):
    """One face as ``seeds.json`` has it: a `FacePoint`."""

    seed: int | None = None
    latent: tuple[float, ...] | None = None
    truncation: float = 1.0
    clip: float | None = None
    directions: dict[str, float] = Field(default_factory=dict)


class SeedsFile(_Part):
    """``seeds.json``.

    Attributes:
        generator: fingerprint of the generator that made the faces.
        enlargement: how many times the pictures were enlarged, 1 to 4.
        faces: in the order of the pictures.
    """

    format_version: Literal[1] = 1
    generator: str
    enlargement: int = Field(default=1, ge=1, le=LARGEST_FACTOR)
    faces: tuple[PointEntry, ...] = Field(min_length=1, max_length=MAX_PICTURES)

    def points(self) -> list[FacePoint]:
        """The faces as points; raises a ``ConfigError`` for numbers outside their ranges."""
        return [FacePoint(**entry.model_dump()) for entry in self.faces]


def write_archive(
    generator: FaceGenerator,
    points: Sequence[FacePoint],
    enlargement: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> bytes:
    """The bytes of a zip with a PNG for each point and ``seeds.json``; the same for the same arguments.

    Args:
        generator: what draws the faces.
        points: 1 to 256 faces.
        enlargement: 1 to 4, see :func:`anime_models.enlargement.enlarge`.
        on_progress: told how many of all pictures are in it.

    Raises:
        ConfigError: for too few or too many points, or one that is not of this generator.
    """
    if not 1 <= len(points) <= MAX_PICTURES:
        raise ConfigError(f"The archive would hold {len(points)} pictures; choose 1 to {MAX_PICTURES}.")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number, point in enumerate(points, start=1):
            picture = enlarge(generator.image(point), enlargement)
            _add(archive, _file_name(number, point), _png(picture))
            if on_progress:
                on_progress(number, len(points))
        _add(archive, MANIFEST, _manifest(generator, points, enlargement).encode("utf-8"))
    return file.getvalue()


def read_seeds(data: bytes) -> SeedsFile:
    """What an archive of `write_archive`, or its ``seeds.json`` alone, holds.

    Raises:
        ConfigError: when the bytes are neither, or ``seeds.json`` is damaged; the message names the field.
    """
    text = data if data.lstrip()[:1] == b"{" else _read_manifest(data)
    if len(text) > _MAX_MANIFEST_BYTES:
        raise ConfigError(f"{MANIFEST} is larger than {_MAX_MANIFEST_BYTES / 1e6:g} MB; no archive of ours has such.")
    try:
        return SeedsFile.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"{MANIFEST}: {field}: {first['msg']}. Download the archive again.") from error


def rebuild_archive(
    generator: FaceGenerator, data: bytes, on_progress: Callable[[int, int], None] | None = None
) -> bytes:
    """Make an archive again from its ``seeds.json``, read as in `read_seeds`: the same bytes on the same machine.

    ``on_progress`` is that of `write_archive`.

    Raises:
        ConfigError: when ``seeds.json`` is damaged, or names another generator.
    """
    seeds = read_seeds(data)
    if seeds.generator != generator.fingerprint:
        raise ConfigError(
            "The archive was made with another generator, or with other directions of this one "
            f"({seeds.generator}; this is {generator.fingerprint}), which draw other faces from the same seeds. "
            "Load that generator."
        )
    return write_archive(generator, seeds.points(), seeds.enlargement, on_progress)


def _manifest(generator: FaceGenerator, points: Sequence[FacePoint], enlargement: int) -> str:
    entries = tuple(
        PointEntry(
            seed=point.seed,
            latent=point.latent,
            truncation=point.truncation,
            clip=point.clip,
            directions=dict(point.directions),
        )
        for point in points
    )
    seeds = SeedsFile(generator=generator.fingerprint, enlargement=enlargement, faces=entries)
    return seeds.model_dump_json(indent=1, exclude_none=True) + "\n"


def _file_name(number: int, point: FacePoint) -> str:
    return f"face-{number:03}.png" if point.seed is None else f"face-{number:03}-seed-{point.seed}.png"


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.create_system = 3  # Unix, also where it is written on another system
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


def _read_manifest(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(MANIFEST) as file:
            return file.read(_MAX_MANIFEST_BYTES + 1)
    except KeyError as error:
        raise ConfigError(f"The archive holds no {MANIFEST}; give one that was downloaded here.") from error
    except _UNREADABLE as error:
        raise ConfigError(f"The file is no archive of faces; give a zip from here, or its {MANIFEST}.") from error
