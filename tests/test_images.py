"""Every kind of picture gives one upright RGB image; every other upload has its own error."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from anime_models import errors
from anime_models.images import ImageSource, load_image
from tests.image_files import BLUE, FORMATS, GREEN, RED, WHITE, assert_near, corner, encoded, quadrants


@pytest.mark.parametrize("image_format", FORMATS)
def test_reads_every_format(image_format: str) -> None:
    image = quadrants(64, 64)
    assert_near(load_image(encoded(image, image_format)), image)


def test_reads_bytes_path_string_file_image_and_array_alike(tmp_path: Path) -> None:
    image, path = quadrants(), tmp_path / "face.png"
    image.save(path)
    data = path.read_bytes()
    sources: list[ImageSource] = [data, bytearray(data), memoryview(data), path, str(path), io.BytesIO(data), image]
    for source in [*sources, np.asarray(image)]:
        assert load_image(source).tobytes() == image.tobytes()


def test_does_not_change_or_share_its_source() -> None:
    image = quadrants()
    loaded = load_image(image)
    loaded.paste(WHITE, (0, 0, 64, 48))
    assert corner(image) == RED


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_turns_upright(image_format: str, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = quadrants().transpose(undo[orientation]) if orientation > 1 else quadrants()
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored, image_format, exif=exif)
    assert_near(load_image(data), quadrants())
    assert_near(load_image(Image.open(io.BytesIO(data))), quadrants())


def test_a_turn_is_applied_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    loaded = load_image(encoded(quadrants(), "PNG", exif=exif))
    assert load_image(loaded).size == loaded.size == (48, 64)


def rgba_png() -> bytes:
    image = quadrants().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 32, 24))
    return encoded(image, "PNG")


def palette_png() -> bytes:
    image = quadrants().quantize(4)
    index = image.getpixel((8, 8))
    return encoded(image, "PNG", transparency=index)


def palette_with_alpha_bytes() -> bytes:
    image = quadrants().quantize(4)
    index = np.asarray(image)[8, 8]
    return encoded(image, "PNG", transparency=bytes(0 if i == index else 255 for i in range(4)))


@pytest.mark.parametrize(
    "data",
    [
        rgba_png(),
        palette_png(),
        palette_with_alpha_bytes(),
        encoded(quadrants(), "PNG", transparency=RED),
        encoded(Image.open(io.BytesIO(rgba_png())), "WEBP", lossless=True),
        encoded(Image.open(io.BytesIO(rgba_png())), "AVIF", quality=95),
        encoded(Image.open(io.BytesIO(rgba_png())), "GIF"),
        encoded(Image.open(io.BytesIO(rgba_png())), "TIFF"),
        encoded(Image.new("L", (64, 48), 40), "PNG", transparency=40),
        encoded(Image.new("I;16", (64, 48), 4000), "PNG", transparency=4000),
        encoded(Image.new("LA", (64, 48), (0, 0)), "PNG"),
    ],
)
def test_transparency_is_laid_on_white(data: bytes) -> None:
    assert min(corner(load_image(data))) >= 250


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"])
def test_every_pillow_mode_becomes_rgb(mode: str) -> None:
    steps = {"La": ["LA"], "RGBa": ["RGBA"], "PA": ["P"]}
    image = quadrants()
    for step in [*steps.get(mode, []), mode]:
        image = image.convert(step)
    loaded = load_image(image)
    assert loaded.mode == "RGB"
    # The palette and the two tones are dithered.
    if mode not in ("1", "P", "PA"):
        assert_near(loaded, quadrants() if mode not in ("L", "LA", "La") else quadrants().convert("L"))


def test_lab_becomes_rgb() -> None:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    image = ImageCms.profileToProfile(quadrants(), srgb, lab, outputMode="LAB")
    assert image is not None
    assert_near(load_image(encoded(image, "TIFF")), quadrants())


@pytest.mark.parametrize("image_format", ["JPEG", "TIFF"])
def test_cmyk_keeps_its_colours(image_format: str) -> None:
    assert_near(load_image(encoded(quadrants().convert("CMYK"), image_format)), quadrants(), tolerance=4)


@pytest.mark.parametrize(
    ("mode", "dark", "bright"),
    [("I;16", 0, 65535), ("I;16B", 0, 65535), ("I", 0, 65535), ("F", 0.0, 1.0), ("F", 0.0, 255.0), ("I", 0, 255)],
)
def test_deep_greyscale_is_scaled(mode: str, dark: float, bright: float) -> None:
    dtype = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4", "F": "<f4"}[mode]
    ramp = np.linspace(dark, bright, 64).astype(dtype)
    values = np.repeat(ramp[None], 32, axis=0)
    image = Image.frombytes(mode, (64, 32), values.tobytes())
    greys = np.asarray(load_image(image))[0, :, 0]
    np.testing.assert_allclose(greys, np.linspace(0, 255, 64), atol=1.01)


def test_sixteen_bit_png_and_tiff_files() -> None:
    values = np.repeat(np.linspace(0, 65535, 64).astype(np.uint16)[None], 32, axis=0)
    for image_format in ("PNG", "TIFF"):
        greys = np.asarray(load_image(encoded(Image.fromarray(values), image_format)))[0, :, 1]
        np.testing.assert_allclose(greys, np.linspace(0, 255, 64), atol=1.01)


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_first_frame_of_an_animation(image_format: str) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in (GREEN, BLUE)]
    data = encoded(quadrants(), image_format, save_all=True, append_images=frames)
    assert_near(load_image(data), quadrants(), tolerance=8)


def test_first_picture_of_an_mpo() -> None:
    data = encoded(quadrants(), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 48), BLUE)])
    assert_near(load_image(data), quadrants())


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"subsampling": 0, "quality": 95}, {"restart_marker_rows": 1}]
)
def test_jpeg_variants(options: dict[str, Any]) -> None:
    assert_near(load_image(encoded(quadrants(), "JPEG", **options)), quadrants())


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "jpeg"])
def test_compressed_tiff(compression: str) -> None:
    assert_near(load_image(encoded(quadrants(), "TIFF", compression=compression)), quadrants())


def test_icon_as_bitmap() -> None:
    image = quadrants(64, 64)
    assert_near(load_image(encoded(image, "ICO", bitmap_format="bmp", sizes=[(32, 32), (64, 64)])), image)


def swapped_primaries_profile() -> bytes:
    """The sRGB profile with its red and green primaries exchanged: a picture it is applied to changes visibly."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile = profile.replace(b"sRGB built-in", b"swapped prims").replace(
        "sRGB built-in".encode("utf-16-be"), "swapped prims".encode("utf-16-be")
    )
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_embedded_profile_is_converted(image_format: str) -> None:
    data = encoded(quadrants(), image_format, icc_profile=swapped_primaries_profile())
    red, green, _ = corner(load_image(data))
    assert green > 150 > red


@pytest.mark.parametrize("profile", [b"nonsense", swapped_primaries_profile()[:200], b"\0" * 400])
def test_broken_profile_is_ignored(profile: bytes) -> None:
    assert_near(load_image(encoded(quadrants(), "PNG", icc_profile=profile)), quadrants(), tolerance=1)


def test_content_wins_over_the_extension(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    path.write_bytes(encoded(quadrants(), "JPEG"))
    assert_near(load_image(path), quadrants())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.full((20, 30), 128, np.uint8), (128, 128, 128)),
        (np.full((20, 30, 1), 128, np.uint8), (128, 128, 128)),
        (np.full((20, 30, 3), (1, 2, 3), np.uint8), (1, 2, 3)),
        (np.full((20, 30, 4), (1, 2, 3, 0), np.uint8), WHITE),
        (np.full((20, 30, 3), 32768, np.uint16), (128, 128, 128)),
        (np.full((20, 30, 3), (0.0, 0.5, 1.0), np.float32), (0, 128, 255)),
        (np.full((20, 30), 1.0, np.float16), WHITE),
        (np.full((40, 60, 3), (1, 2, 3), np.uint8)[::-2, ::2], (1, 2, 3)),
    ],
)
def test_arrays(values: np.ndarray, expected: tuple[int, ...]) -> None:
    loaded = load_image(values)
    assert (loaded.mode, loaded.size) == ("RGB", (30, 20))
    assert corner(loaded) == expected


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (np.full((20, 20), np.nan), errors.ImageArrayValuesError),
        (np.full((20, 20, 3), np.inf, np.float32), errors.ImageArrayValuesError),
        (np.full((20, 20), 200.0), errors.ImageArrayValuesError),
        (np.full((20, 20), -0.5), errors.ImageArrayValuesError),
        (np.zeros((20, 20), np.int64), errors.ImageArrayDtypeError),
        (np.zeros((20, 20), bool), errors.ImageArrayDtypeError),
        (np.zeros((20, 20), complex), errors.ImageArrayDtypeError),
        (np.full((20, 20), "a"), errors.ImageArrayDtypeError),
        (np.zeros((2, 20, 20, 3), np.uint8), errors.ImageArrayShapeError),
        (np.zeros((3, 20, 20), np.uint8), errors.ImageArrayShapeError),
        (np.zeros((20, 20, 2), np.uint8), errors.ImageArrayShapeError),
        (np.zeros(400, np.uint8), errors.ImageArrayShapeError),
        (np.zeros((), np.uint8), errors.ImageArrayShapeError),
        (np.zeros((0, 20, 3), np.uint8), errors.ImageEmptyError),
        (np.zeros((1, 1, 3), np.uint8), errors.ImageTooSmallError),
        (np.zeros((1, 20000), np.uint8), errors.ImageTooElongatedError),
    ],
)
def test_bad_arrays(values: np.ndarray, error: type[errors.ImageError]) -> None:
    with pytest.raises(error):
        load_image(values)


@pytest.mark.parametrize(
    ("data", "error", "word"),
    [
        (b"", errors.ImageEmptyError, "empty"),
        (b"hello, this is text", errors.NotAnImageError, "text"),
        ("Ωμέγα, text in Greek".encode(), errors.NotAnImageError, "text"),
        (b"<!DOCTYPE html><html><body>404</body></html>", errors.NotAnImageError, "web page"),
        (b"%PDF-1.7\n%\xe2\xe3", errors.NotAnImageError, "PDF"),
        (b"PK\x03\x04" + bytes(40), errors.NotAnImageError, "ZIP"),
        (gzip.compress(b"archive", mtime=0), errors.NotAnImageError, "gzip"),
        (b"\0\0\0\x18ftypmp42" + bytes(40), errors.NotAnImageError, "video"),
        (bytes(64), errors.NotAnImageError, "unknown"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', errors.SvgImageError, "PNG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<svg></svg>', errors.SvgImageError, "PNG"),
        (b"8BPS\0\1" + bytes(40), errors.ImageFormatError, "Photoshop"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", errors.ImageFormatError, "PostScript"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", errors.ImageFormatError, "HEIC"),
        (encoded(quadrants(), "PPM"), errors.ImageFormatError, "pixmap"),
        (encoded(quadrants(), "JPEG2000"), errors.ImageFormatError, "JPEG 2000"),
        (encoded(Image.new("RGB", (1, 1)), "PNG"), errors.ImageTooSmallError, "1 x 1"),
        (encoded(Image.new("RGB", (1, 20000)), "PNG"), errors.ImageTooElongatedError, "1 x 20000"),
    ],
)
def test_each_problem_has_its_error(data: bytes, error: type[errors.ImageError], word: str) -> None:
    with pytest.raises(error, match=word) as caught:
        load_image(data)
    assert type(caught.value) is error
    assert str(caught.value).endswith(".")


def test_text_named_png_says_so(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    path.write_text("not a picture")
    with pytest.raises(errors.NotAnImageError, match=r"'face.png' is text"):
        load_image(path)


@pytest.mark.parametrize("name", ["absent.png", ".", "nul\0byte.png", "x" * 5000])
def test_missing_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.ImageMissingError):
        load_image(f"{tmp_path}/{name}")


@pytest.mark.parametrize("source", [None, 3, [[1, 2], [3, 4]], io.StringIO("text")])
def test_other_objects(source: Any) -> None:
    with pytest.raises(errors.ImageTypeError):
        load_image(source)
