"""The tag directories of TIFF and EXIF, read without unpacking what they point at.

A directory entry is 12 bytes but may point at megabytes, and thousands of entries may share them: a reader that
fetches every value can be made to fill the memory by a small file. Here only named tags are looked at.
Layout: TIFF 6.0 specification (Adobe, 1992), section 2.
"""

import math
import struct
from dataclasses import dataclass

_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SHORT, _LONG = 3, 4

_WIDTH, _HEIGHT, _STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS_PER_STRIP = 256, 257, 273, 274, 277, 278
_STRIP_BYTES, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 279, 284, 322, 323, 324, 325
_JPEG_TABLES, _ICC_PROFILE = 347, 34675
# Compression, photometric interpretation, fill order, fax options, predictor, ink set, YCbCr positioning.
_SINGLE = frozenset(
    {_WIDTH, _HEIGHT, 259, 262, 266, _SAMPLES, _ROWS_PER_STRIP, _PLANAR, 292, 293, 317, _TILE_WIDTH, _TILE_HEIGHT}
    | {332, 531}
)
# Bits per sample, colour map, extra samples, sample format, YCbCr coefficients, subsampling, black and white.
_FEW = frozenset({258, 320, 338, 339, 529, 530, 532})
_MAX_FEW = 1024
_MAX_JPEG_TABLES_BYTES, _MAX_PROFILE_BYTES = 1 << 16, 1 << 22


@dataclass(frozen=True)
class _Entry:
    """One tag: its type, how many values it has, and where in the file they begin."""

    kind: int
    count: int
    offset: int

    @property
    def num_bytes(self) -> int:
        return _VALUE_BYTES.get(self.kind, 0) * self.count


@dataclass(frozen=True)
class _Directory:
    data: bytes
    order: str
    entries: dict[int, _Entry]

    def number(self, tag: int, default: int) -> int:
        """The tag's first value, when it is a whole number."""
        entry = self.entries.get(tag)
        if entry is None or entry.count == 0 or entry.kind not in (_SHORT, _LONG):
            return default
        code = "H" if entry.kind == _SHORT else "I"
        return int(struct.unpack_from(self.order + code, self.data, entry.offset)[0])


def exif_orientation(exif: bytes) -> int:
    """The orientation, 1 to 8, that an EXIF block asks for; 1 (upright) when it is absent or damaged."""
    try:
        directory = _read_directory(exif.removeprefix(b"Exif\0\0"))
        value = directory.number(_ORIENTATION, 1)
    except (struct.error, ValueError):
        return 1
    return value if 1 <= value <= 8 else 1


def first_page(data: bytes) -> tuple[bytes, tuple[int, int], int]:
    """Rebuild a TIFF file around its first page, keeping only the tags that its pixels need.

    Returns:
        The file, its size (width, height) in pixels as stored, and its orientation, 1 to 8.

    Raises:
        ValueError, struct.error: the directory is damaged or contradicts itself.
    """
    directory = _read_directory(data)
    width, height = directory.number(_WIDTH, 0), directory.number(_HEIGHT, 0)
    limits = _count_limits(directory, width, height)
    kept = {tag: entry for tag, entry in sorted(directory.entries.items()) if tag in limits}
    for tag, entry in kept.items():
        if entry.count > limits[tag] or entry.offset + entry.num_bytes > len(data):
            raise ValueError(f"TIFF tag {tag} does not fit the file")
    orientation = directory.number(_ORIENTATION, 1)
    return _write(directory, kept), (width, height), orientation if 1 <= orientation <= 8 else 1


def _read_directory(data: bytes) -> _Directory:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        raise ValueError("no TIFF header")
    (first,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, first)
    entries = {}
    for at in range(first + 2, first + 2 + 12 * count, 12):
        tag, kind, num_values = struct.unpack_from(order + "HHI", data, at)
        inline = _VALUE_BYTES.get(kind, 0) * num_values <= 4
        offset = at + 8 if inline else struct.unpack_from(order + "I", data, at + 8)[0]
        entries[tag] = _Entry(kind, num_values, offset)
    return _Directory(data, order, entries)


def _count_limits(directory: _Directory, width: int, height: int) -> dict[int, int]:
    """How many values each tag that is kept may have."""
    if width == 0 or height == 0:
        raise ValueError("the TIFF page has no size")
    blocks = _num_blocks(directory, width, height)
    limits = dict.fromkeys(_SINGLE, 1) | dict.fromkeys(_FEW, _MAX_FEW)
    limits |= dict.fromkeys((_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES), blocks)
    return limits | {_JPEG_TABLES: _MAX_JPEG_TABLES_BYTES, _ICC_PROFILE: _MAX_PROFILE_BYTES}


def _num_blocks(directory: _Directory, width: int, height: int) -> int:
    """How many strips or tiles cover the page once: more of them would decode the same pixels again and again."""
    planes = directory.number(_SAMPLES, 1) if directory.number(_PLANAR, 1) == 2 else 1
    tile_width = directory.number(_TILE_WIDTH, width)
    tile_height = directory.number(_TILE_HEIGHT, directory.number(_ROWS_PER_STRIP, height))
    if _TILE_WIDTH in directory.entries and tile_width * tile_height > max(4 * width * height, 1 << 20):
        raise ValueError("the TIFF tiles are far larger than the page")
    if tile_width == 0 or tile_height == 0 or planes > 16:
        raise ValueError("the TIFF page is laid out impossibly")
    return math.ceil(width / tile_width) * math.ceil(height / tile_height) * planes


def _write(directory: _Directory, kept: dict[int, _Entry]) -> bytes:
    order, data = directory.order, directory.data
    padding = b"\0" * (len(data) % 2)
    start = len(data) + len(padding)
    table = [struct.pack(order + "H", len(kept))]
    for tag, entry in kept.items():
        inline = data[entry.offset : entry.offset + 4].ljust(4, b"\0")
        value = inline if entry.num_bytes <= 4 else struct.pack(order + "I", entry.offset)
        table.append(struct.pack(order + "HHI", tag, entry.kind, entry.count) + value)
    return b"".join((data[:4], struct.pack(order + "I", start), data[8:], padding, *table, b"\0\0\0\0"))
