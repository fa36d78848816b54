"""Pixels of every kind to upright 8-bit RGB: turn, depth, colour profile, transparency."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from anime_models.errors import ImageArrayValuesError

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PROFILE_MODES = ("L", "RGB", "CMYK", "LAB")


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn an image as its EXIF orientation, 1 to 8, asks."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def to_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow mode to sRGB, 8 bits per channel, transparency laid on white, metadata left behind.

    Raises:
        ImageArrayValuesError: a floating-point image has NaN or infinite values.
    """
    rgb = _on_white(_eight_bits(image), image.info.get("icc_profile"))
    # A turn or profile that stayed behind would be applied a second time by the next reader.
    rgb.info.clear()
    return rgb


def _on_white(image: Image.Image, profile: object) -> Image.Image:
    if not image.has_transparency_data:
        return _to_srgb(image, profile)
    if image.mode in ("La", "PA"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    with_alpha = image.convert("RGBA")
    colours = image.getchannel("L") if image.mode == "LA" else with_alpha.convert("RGB")
    white = Image.new("RGB", image.size, "white")
    white.paste(_to_srgb(colours, profile), mask=with_alpha.getchannel("A"))
    return white


def _to_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Convert by the embedded profile; where there is none, or it is broken, as Pillow does."""
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return _transformed(image, lab, srgb)
    if image.mode not in _PROFILE_MODES:
        image = image.convert("RGB")
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                return _transformed(image, source, ImageCms.createProfile("sRGB"))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            # A picture with a broken profile is still a picture; browsers show it too.
            return image.convert("RGB")
    return image.convert("RGB")


def _transformed(
    image: Image.Image,
    source: ImageCms.ImageCmsProfile | ImageCms.core.CmsProfile,
    target: ImageCms.core.CmsProfile,
) -> Image.Image:
    converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    if converted is None:
        raise ImageCms.PyCMSError("no image came back")
    return converted


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16-bit, 32-bit and floating-point greyscale to 8 bits by scaling; Pillow itself would clip."""
    if not image.mode.startswith("I") and image.mode != "F":
        return image
    values = np.asarray(image)
    if image.mode == "F":
        if not np.isfinite(values).all():
            raise ImageArrayValuesError("The picture has pixels that are NaN or infinite. Replace them and try again.")
        ceilings = [1.0, 255.0, 65535.0]
    else:
        ceilings = [65535.0] if image.mode.startswith("I;16") else [255.0, 65535.0]
    top = max(float(values.max()), 0.0)
    ceiling = next((ceiling for ceiling in ceilings if top <= ceiling), top)
    grey = Image.fromarray(scaled_to_bytes(values, ceiling))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return grey


def scaled_to_bytes(values: NDArray[np.generic], ceiling: float) -> NDArray[np.uint8]:
    """Numbers in [0, ceiling] to the nearest of 0 to 255; what lies outside is clipped."""
    scaled = np.asarray(values, dtype=np.float32) * np.float32(255.0 / ceiling)
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
