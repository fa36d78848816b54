"""Untrusted picture files, reduced to the parts that their first picture needs.

Decoders also unpack comments, previews, maker notes and further pages, and a small file can make that cost minutes or
gigabytes. So each file is walked here first, cheaply: what the pixels do not need is left out, the declared size is
told before anything is allocated for it, and damaged metadata cannot spoil a good picture.
"""

import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from anime_models._tiff import exif_orientation, first_page
from anime_models.errors import ImageDamagedError, ImageError, ImageFormatError, ImagePixelsLimitError

_MAX_SEGMENTS = 4096
_MAX_SCANS = 64
_MAX_CHUNKS = 1 << 16
_MAX_PROFILE_BYTES = 1 << 20
_MAX_RUN_LENGTH_BYTES = 1 << 22
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")


@dataclass(frozen=True)
class Container:
    """A file with one picture.

    Attributes:
        data: the reduced file, in the same format.
        size: width and height in pixels as declared, before any turn; None where opening the file costs nothing.
        orientation: the turn that the file asks for, 1 to 8 as in EXIF; None where the decoder finds the EXIF block.
    """

    data: bytes
    size: tuple[int, int] | None = None
    orientation: int | None = None


def reduce_container(image_format: str, data: bytes, name: str) -> Container:
    """Reduce a file of a known format.

    Raises:
        ImageDamagedError, ImagePixelsLimitError, ImageFormatError: it is cut off, a bomb, or of a rare kind.
    """
    try:
        return _REDUCERS[image_format](data)
    except ImageError as error:
        raise type(error)(f"{name} {error}") from error
    except (struct.error, IndexError, ValueError) as error:
        raise ImageDamagedError(damaged_message(name, image_format)) from error


def damaged_message(name: str, image_format: str) -> str:
    """What to tell somebody whose file is cut off or corrupt."""
    return f"{name} is a {image_format} picture that is cut off or damaged. Download or export it again."


def _bomb(what: str) -> ImagePixelsLimitError:
    return ImagePixelsLimitError(f"holds {what}, as decompression bombs do. Open it in an editor and save it anew.")


def _png(data: bytes) -> Container:
    kept, at = [data[:8]], 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        chunk = data[at : at + 12 + length] if kind in _PNG_CHUNKS else b""
        if chunk and not (kind == b"iCCP" and _unpacks_too_far(chunk)):
            kept.append(chunk)
        at += 12 + length
        if kind == b"IEND":
            break
        if len(kept) > _MAX_CHUNKS:
            raise _bomb("tens of thousands of chunks")
    if data[12:16] != b"IHDR":
        raise ValueError("a PNG file begins with IHDR")
    return Container(b"".join(kept), struct.unpack_from(">II", data, 16))


_PNG_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"iCCP", b"eXIf"})


def _unpacks_too_far(chunk: bytes) -> bool:
    """Whether an iCCP chunk's profile is larger than any real one; Pillow would refuse the whole picture."""
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(chunk[chunk.index(b"\0", 8) + 2 : -4], _MAX_PROFILE_BYTES)
    except (zlib.error, ValueError):
        return True
    return bool(unpacker.unconsumed_tail)


def _jpeg(data: bytes) -> Container:
    kept, at, orientation, scans_start, num_scans = [data[:2]], 2, 1, 0, 0
    for _ in range(_MAX_SEGMENTS):
        match = _JPEG_MARKER.search(data, at)
        if match is None or match[1] == b"\xd9":
            break
        start, marker = match.end(), match[1][0]
        (length,) = struct.unpack_from(">H", data, start)
        segment = data[start - 1 : start + length]
        if marker == 0xDA:
            scans_start = scans_start or start - 1
            num_scans += 1
        elif marker == 0xE1 and segment[3:9] == b"Exif\0\0":
            orientation = max(orientation, exif_orientation(segment[9:]))
        elif not scans_start and _is_needed(marker, segment):
            kept.append(b"\xff" + segment)
        at = start + length
    else:
        raise _bomb("thousands of segments")
    if num_scans > _MAX_SCANS:
        raise _bomb(f"{num_scans} scans of the same pixels")
    end = match.end() if match else len(data)
    return Container(b"".join((*kept, b"\xff", data[scans_start:end])), orientation=orientation)


def _is_needed(marker: int, segment: bytes) -> bool:
    """Frame and tables, JFIF, Adobe's colour transform and the colour profile."""
    is_profile = marker == 0xE2 and segment[3:14] == b"ICC_PROFILE"
    return 0xC0 <= marker <= 0xCF or marker in (0xDB, 0xDD, 0xE0, 0xEE) or is_profile


def _gif(data: bytes) -> Container:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = screen_end = 13 + (3 << (flags & 7) + 1 if flags & 128 else 0)
    control = b""
    while data[at] == 0x21:
        if data[at + 1 : at + 3] == b"\xf9\x04":
            control = data[at : at + 8]
        at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    if data[at] != 0x2C:
        raise ValueError("no picture in the GIF file")
    left, top, frame_width, frame_height = struct.unpack_from("<4H", data, at + 1)
    size = max(width, left + frame_width), max(height, top + frame_height)
    return Container(b"".join((data[:screen_end], control, data[at:])), size)


def _webp(data: bytes) -> Container:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return Container(data, (width, height))


def _avif(data: bytes) -> Container:
    """Hide the EXIF item: AVIF's own rotation properties are the ones that count, so nobody need parse it."""
    parts, at = [], 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
        if length != 0 and length < 8:
            raise ValueError("impossible box length")
        end = at + length if length else len(data)
        box = data[at:end]
        parts.append(box.replace(b"Exif", b"free") if kind in (b"meta", b"moov") else box)
        at = end
        if len(parts) > _MAX_CHUNKS:
            raise _bomb("tens of thousands of boxes")
    return Container(b"".join((*parts, data[at:])))


def _bmp(data: bytes) -> Container:
    _refuse_long_runs(data, 14)
    return Container(data)


def _refuse_long_runs(data: bytes, at: int) -> None:
    """Pillow unpacks run-length coded bitmaps byte by byte in Python; keep that to a few seconds."""
    (header_size,) = struct.unpack_from("<I", data, at)
    if header_size >= 40 and data[at + 16] in (1, 2) and len(data) > _MAX_RUN_LENGTH_BYTES:
        raise ImageFormatError("is a large run-length coded BMP, which is slow to read. Save it as PNG and try again.")


def _ico(data: bytes) -> Container:
    """Keep the largest picture of an icon; a whole PNG file in it is treated as one."""
    (count,) = struct.unpack_from("<H", data, 4)
    entries = [data[at : at + 16] for at in range(6, 6 + 16 * count, 16)]
    largest = max(entries, key=lambda entry: ((entry[0] or 256) * (entry[1] or 256), entry[6]))
    num_bytes, offset = struct.unpack_from("<II", largest, 8)
    picture = data[offset : offset + num_bytes]
    if picture.startswith(b"\x89PNG\r\n\x1a\n"):
        inner = _png(picture)
        picture, size = inner.data, inner.size
    else:
        _refuse_long_runs(picture, 0)
        width, double_height = struct.unpack_from("<ii", picture, 4)
        size = width, abs(double_height) // 2
    entry = largest[:8] + struct.pack("<II", len(picture), 22)
    return Container(data[:4] + b"\1\0" + entry + picture, size)


def _tiff(data: bytes) -> Container:
    page, size, orientation = first_page(data)
    return Container(page, size, orientation)


_REDUCERS: Mapping[str, Callable[[bytes], Container]] = MappingProxyType(
    {
        "PNG": _png,
        "JPEG": _jpeg,
        "GIF": _gif,
        "WEBP": _webp,
        "AVIF": _avif,
        "BMP": _bmp,
        "ICO": _ico,
        "TIFF": _tiff,
    }
)
