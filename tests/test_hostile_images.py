"""Bombs, contradictions, cut and flipped files: an image or an `ImageError`, soon and in little memory."""

import contextlib
import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from anime_models import errors
from anime_models.images import ImageLimits, ImageSource, load_image
from tests.image_files import FORMATS, assert_near, corner, encoded, quadrants


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(chunk: bytes) -> bytes:
    data = encoded(quadrants(), "PNG")
    return data[:33] + chunk + data[33:]


def tiff_entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def tiff(entries: list[bytes], body: bytes = b"") -> bytes:
    table = struct.pack("<H", len(entries)) + b"".join(entries) + b"\0\0\0\0"
    return b"II*\0" + struct.pack("<I", 8) + table + body


def test_limits_can_be_set(tmp_path: Path) -> None:
    data = encoded(quadrants(), "PNG")
    path = tmp_path / "face.png"
    path.write_bytes(data)
    for source in (data, path, io.BytesIO(data)):
        with pytest.raises(errors.ImageBytesLimitError):
            load_image(source, ImageLimits(max_bytes=len(data) - 1))
        assert load_image(data, ImageLimits(max_bytes=len(data))).size == (64, 48)
    for sized in (data, quadrants(), np.asarray(quadrants())):
        with pytest.raises(errors.ImagePixelsLimitError):
            load_image(sized, ImageLimits(max_pixels=64 * 48 - 1))
    assert load_image(encoded(Image.new("RGB", (2, 2)), "PNG"), ImageLimits(min_side=1)).size == (2, 2)


def resized_header(image_format: str) -> bytes:
    """A small file that claims 50,000 x 50,000 pixels, or as many as its format can say."""
    data = bytearray(encoded(quadrants(), image_format, **({"lossless": True} if image_format == "WEBP" else {})))
    if image_format == "PNG":
        body = struct.pack(">II", 50000, 50000) + data[24:29]
        data[8:33] = png_chunk(b"IHDR", bytes(body))
    elif image_format == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", 50000, 50000)
    elif image_format == "GIF":
        data[6:10] = struct.pack("<HH", 50000, 50000)
    elif image_format == "BMP":
        data[18:26] = struct.pack("<ii", 50000, 50000)
    elif image_format == "WEBP":
        data[21:25] = struct.pack("<I", 16383 | 16383 << 14)
    elif image_format == "AVIF":
        at = data.index(b"ispe")
        data[at + 8 : at + 16] = struct.pack(">II", 12000, 12000)
    return bytes(data)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "AVIF"])
def test_declared_size_is_checked_before_decoding(image_format: str) -> None:
    with pytest.raises(errors.ImagePixelsLimitError, match="limit"):
        load_image(resized_header(image_format))


def test_gif_frame_outside_its_canvas() -> None:
    data = bytearray(encoded(quadrants(), "GIF"))
    at = data.index(b",", 13 + (3 << (data[10] & 7) + 1))
    data[at + 1 : at + 5] = struct.pack("<HH", 60000, 60000)
    with pytest.raises(errors.ImagePixelsLimitError):
        load_image(bytes(data))


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(30_000_000), 9)),
        png_chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(30_000_000), 9)),
        png_chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(30_000_000), 9)),
        png_chunk(b"tEXt", b"workflow\0" + bytes(2_000_000)),
        png_chunk(b"tEXt", b"a\0b")[:-4] + b"\0\0\0\0",
        png_chunk(b"acTL", b"\0\0"),
    ],
)
def test_metadata_of_a_png_neither_unpacks_nor_spoils_it(chunk: bytes) -> None:
    assert load_image(png_with(chunk)).tobytes() == quadrants().tobytes()


def shared_values(num_tags: int, num_bytes: int) -> bytes:
    """A tag directory whose entries all point at the same long value."""
    entries = [tiff_entry(40000 + i, 7, num_bytes, 8) for i in range(num_tags)]
    return tiff([*entries, tiff_entry(0x0112, 3, 1, 3)], bytes(num_bytes))


def test_exif_whose_tags_share_megabytes() -> None:
    exif = shared_values(20_000, 1_000_000)
    expected = quadrants().rotate(180)
    assert load_image(png_with(png_chunk(b"eXIf", exif))).tobytes() == expected.tobytes()
    assert_near(load_image(encoded(quadrants(), "WEBP", lossless=True, exif=exif)), expected)


def page(width: int, height: int, *extra: bytes) -> bytes:
    """An uncompressed RGB TIFF page without strips."""
    numbers = {256: width, 257: height, 259: 1, 262: 2, 277: 3}
    entries = [tiff_entry(tag, 3, 1, value) for tag, value in numbers.items()]
    return tiff([*entries, tiff_entry(258, 3, 1, 8), *extra], bytes(3 * width * height))


@pytest.mark.parametrize(
    "data",
    [
        page(64, 48, tiff_entry(273, 4, 2000, 8)),
        page(64, 48, tiff_entry(34675, 7, 0xFFFFFF, 8)),
        page(64, 48, tiff_entry(322, 4, 1, 60000), tiff_entry(323, 4, 1, 60000), tiff_entry(324, 4, 1, 8)),
        page(64, 48),
        b"II*\0" + struct.pack("<I", 4_000_000_000),
        b"II*\0\x08\0\0\0\xff\xff",
    ],
)
def test_contradictory_tiff(data: bytes) -> None:
    with pytest.raises(errors.ImageDamagedError):
        load_image(data)


def test_tiff_with_unneeded_tags_that_share_megabytes() -> None:
    junk = [tiff_entry(50000 + i, 7, 10_000, 8) for i in range(5000)]
    loaded = load_image(page(64, 48, tiff_entry(273, 4, 1, 60_100), *junk))
    assert corner(loaded) == (0, 0, 0)


def test_jpeg_with_endless_scans() -> None:
    data = encoded(quadrants(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    with pytest.raises(errors.ImagePixelsLimitError, match="scans"):
        load_image(data[:at] + data[at:-2] * 200 + data[-2:])


def test_jpeg_with_endless_segments() -> None:
    data = encoded(quadrants(), "JPEG")
    with pytest.raises(errors.ImagePixelsLimitError, match="segments"):
        load_image(data[:2] + b"\xff\xfe\0\2" * 100_000 + data[2:])


def test_gif_with_a_megabyte_of_comments() -> None:
    data = encoded(quadrants().quantize(4), "GIF")
    at = 13 + (3 << (data[10] & 7) + 1)
    comment = b"\x21\xfe" + (b"\xff" + bytes(255)) * 8000 + b"\0"
    assert_near(load_image(data[:at] + comment + data[at:]), quadrants())


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.5, 0.9])
def test_cut_off_files(image_format: str, fraction: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), image_format)
    with pytest.raises(errors.ImageError) as caught:
        load_image(data[: int(len(data) * fraction)])
    assert isinstance(caught.value, (errors.ImageDamagedError, errors.NotAnImageError))
    if fraction >= 0.5:
        assert isinstance(caught.value, errors.ImageDamagedError)


@pytest.mark.parametrize("image_format", FORMATS)
def test_flipped_bits_give_an_image_or_an_image_error(image_format: str, capfd: pytest.CaptureFixture[str]) -> None:
    generator = random.Random(7)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a face"
    options = {"exif": exif} if image_format not in ("GIF", "BMP", "ICO") else {}
    data = encoded(quadrants(48, 48), image_format, **options)
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(generator.choice((1, 1, 2, 8))):
            # Headers are where flips hurt.
            reach = len(broken) if generator.random() < 0.5 else min(len(broken), 200)
            broken[generator.randrange(reach)] ^= 1 << generator.randrange(8)
        image_or_error(bytes(broken))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("magic", [encoded(quadrants(), image_format)[:16] for image_format in FORMATS] + [b""])
def test_random_bytes_give_an_image_or_an_image_error(magic: bytes) -> None:
    generator = random.Random(11)
    for _ in range(60):
        image_or_error(magic + generator.randbytes(generator.randrange(400)))


def image_or_error(data: bytes) -> None:
    with contextlib.suppress(errors.ImageError):
        assert load_image(data).mode == "RGB"


def test_globals_of_pillow_are_left_alone() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    load_image(encoded(quadrants(), "PNG"))
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


@pytest.mark.parametrize("draw", [quadrants, lambda: np.zeros((2, 2), np.uint8)])
def test_limits_of_size_hold_for_objects(draw: Callable[[], ImageSource]) -> None:
    with pytest.raises(errors.ImageTooSmallError):
        load_image(draw(), ImageLimits(min_side=100, max_aspect=1000))
