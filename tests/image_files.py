"""Pictures and picture files that the tests of reading share."""

import io
from typing import Any

import numpy as np
from PIL import Image

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 180, 40), (40, 60, 210), (230, 210, 40)
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "ICO")
WHITE = (255, 255, 255)


def quadrants(width: int = 64, height: int = 48) -> Image.Image:
    """Four colours, so that every turn and flip shows."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(YELLOW, (width // 2, height // 2, width, height))
    return image


def encoded(image: Image.Image, image_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def corner(image: Image.Image) -> tuple[int, ...]:
    pixel = image.getpixel((8, 8))
    assert isinstance(pixel, tuple)
    return pixel


def assert_near(image: Image.Image, expected: Image.Image, tolerance: float = 6.0) -> None:
    assert image.mode == "RGB"
    assert image.size == expected.size
    difference = np.abs(np.asarray(image, dtype=float) - np.asarray(expected.convert("RGB"), dtype=float))
    assert difference.mean() < tolerance
