"""Untrusted bytes, paths, Pillow images or arrays to one upright RGB image, within limits.

What a file is, is told by its content; its name does not matter. Only the first frame or page is read. Every problem
has its own error (see `anime_models.errors`), and no input makes the reader hang or fill the memory: sizes are checked
before pixels are unpacked.
"""

import io
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from anime_models._image_containers import damaged_message, reduce_container
from anime_models._image_kinds import ADVICE, identify
from anime_models._image_pixels import scaled_to_bytes, to_rgb, upright
from anime_models._tiff import exif_orientation
from anime_models.errors import (
    ImageArrayDtypeError,
    ImageArrayShapeError,
    ImageArrayValuesError,
    ImageBytesLimitError,
    ImageDamagedError,
    ImageEmptyError,
    ImageError,
    ImageMissingError,
    ImagePixelsLimitError,
    ImageTooElongatedError,
    ImageTooSmallError,
    ImageTypeError,
)

__all__ = ["DEFAULT_LIMITS", "ImageLimits", "ImageSource", "load_image"]

ImageSource: TypeAlias = (
    bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO | Image.Image | NDArray[np.generic]
)

# The classes are called directly rather than through `Image.open`, which tries other formats as well and issues
# process-wide warnings about sizes that are checked here.
_OPENERS: Mapping[str, type[ImageFile.ImageFile]] = MappingProxyType(
    {
        "PNG": PngImagePlugin.PngImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
        "AVIF": AvifImagePlugin.AvifImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "ICO": IcoImagePlugin.IcoImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
    }
)
_FLOAT_SLACK = 1e-6


@dataclass(frozen=True)
class ImageLimits:
    """What is accepted.

    Attributes:
        max_bytes: largest file, in bytes.
        max_pixels: most pixels (width times height).
        min_side: shortest side, in pixels.
        max_aspect: longest side over shortest side; webtoon strips reach about 30.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 40_000_000
    min_side: int = 16
    max_aspect: float = 40.0


DEFAULT_LIMITS = ImageLimits()


def load_image(source: ImageSource, limits: ImageLimits = DEFAULT_LIMITS) -> Image.Image:
    """Read one picture as an upright sRGB image of mode "RGB".

    EXIF orientation is applied, transparency is laid on white, embedded colour profiles are converted to sRGB (broken
    ones ignored), 16-bit and floating-point greyscale is scaled, not clipped.

    Args:
        source: a file's bytes, its path, an open binary file, a Pillow image (its current frame), or an array
            [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] of uint8, uint16 or floats in [0, 1].
        limits: what is accepted.

    Raises:
        ImageError: one subclass per problem; the message says what to do.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    if isinstance(source, Image.Image):
        return _from_pillow(source, limits)
    data, name = _read(source, limits)
    if not data:
        raise ImageEmptyError(f"{name} is empty. {ADVICE}")
    if len(data) > limits.max_bytes:
        raise ImageBytesLimitError(
            f"{name} is larger than the limit of {limits.max_bytes / 1e6:g} MB. Make it smaller and try again."
        )
    return _decode(data, name, limits)


def _read(source: object, limits: ImageLimits) -> tuple[bytes, str]:
    """The source's bytes, one more than the limit at most, and what to call it."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source[: limits.max_bytes + 1]), "The file"
    if isinstance(source, (str, os.PathLike)):
        return _read_path(os.fspath(source), limits)
    read = getattr(source, "read", None)
    data = read(limits.max_bytes + 1) if callable(read) else None
    if not isinstance(data, bytes):
        kind = type(source).__name__
        raise ImageTypeError(f"A picture cannot be read from a {kind}. Pass bytes, a path, a Pillow image or an array.")
    return data, "The file"


def _read_path(source: str | bytes, limits: ImageLimits) -> tuple[bytes, str]:
    path = Path(os.fsdecode(source))
    name = f"'{path.name}'"
    try:
        # A pipe or device would be waited for, or never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ImageMissingError(f"{name} is not a file. Give the path of a picture.")
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1), name
    except (OSError, ValueError) as error:
        raise ImageMissingError(f"There is no readable file at {name}. Check the path and its permissions.") from error


def _decode(data: bytes, name: str, limits: ImageLimits) -> Image.Image:
    image_format = identify(data, name)
    container = reduce_container(image_format, data, name)
    if container.size is not None:
        _check_size(container.size, limits)
    try:
        image = _OPENERS[image_format](io.BytesIO(container.data))
        _check_size(image.size, limits)
        image.load()
        orientation = container.orientation or _orientation(image)
        return to_rgb(upright(image, orientation))
    except ImageError:
        raise
    # Pillow raises a dozen built-in types on damaged files, among them AssertionError, KeyError and SyntaxError.
    except Exception as error:
        raise ImageDamagedError(damaged_message(name, image_format)) from error


def _orientation(image: Image.Image) -> int:
    exif = image.info.get("exif")
    return exif_orientation(exif) if isinstance(exif, bytes) else 1


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    described = f"The picture is {width} x {height} pixels"
    short, long = min(size), max(size)
    if width * height > limits.max_pixels:
        raise ImagePixelsLimitError(
            f"{described}; the limit is {limits.max_pixels / 1e6:g} million pixels in all. Scale it down and try again."
        )
    if long > limits.max_aspect * max(short, 1):
        raise ImageTooElongatedError(
            f"{described}, more than {limits.max_aspect:g} times as long as wide. Cut out the part with the face."
        )
    if short < limits.min_side:
        raise ImageTooSmallError(
            f"{described}; each side needs at least {limits.min_side}. Use a larger version of the picture."
        )


def _from_pillow(image: Image.Image, limits: ImageLimits) -> Image.Image:
    _check_size(image.size, limits)
    try:
        image.load()
    except Exception as error:
        raise ImageDamagedError(damaged_message("The image", image.format or "Pillow")) from error
    return to_rgb(upright(image, _orientation(image)))


def _from_array(array: NDArray[np.generic], limits: ImageLimits) -> Image.Image:
    if array.size == 0:
        raise ImageEmptyError(f"The array of shape {list(array.shape)} has no elements. Pass an array with pixels.")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageArrayShapeError(
            f"An array of shape {list(array.shape)} is not one picture. {_shape_advice(array.shape)}"
        )
    height, width = array.shape[:2]
    _check_size((width, height), limits)
    values = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    return to_rgb(Image.fromarray(_array_bytes(values)))


def _shape_advice(shape: tuple[int, ...]) -> str:
    if len(shape) == 4:
        return "It looks like a batch: pass its pictures one at a time."
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return "Its channels come first: move them last, as in array.transpose(1, 2, 0)."
    return "Pass [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]."


def _array_bytes(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values, dtype=np.uint8)
    if values.dtype == np.uint16:
        return scaled_to_bytes(values, 65535.0)
    if not np.issubdtype(values.dtype, np.floating):
        raise ImageArrayDtypeError(
            f"An array of {values.dtype} does not say how bright its numbers are. Convert it to uint8 in 0 to 255, "
            "uint16 in 0 to 65535, or floats in [0, 1]."
        )
    floats = np.asarray(values, dtype=np.float32)
    if not np.isfinite(floats).all():
        raise ImageArrayValuesError("The array has NaN or infinite values. Replace them and try again.")
    low, high = float(floats.min()), float(floats.max())
    if low < -_FLOAT_SLACK or high > 1 + _FLOAT_SLACK:
        raise ImageArrayValuesError(
            f"The array's floats run from {low:g} to {high:g}, outside [0, 1]. Scale them, or convert them to uint8."
        )
    return scaled_to_bytes(floats, 1.0)
