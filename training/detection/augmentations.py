"""Degradations of composed samples: what illustrators, scanners and web pages do to a face, in PIL and NumPy.

Each function takes and returns an RGB image; those that cover part of a face also take the boxes.
"""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Boxes = NDArray[np.float32]
Colour = tuple[int, int, int]


def degrade(image: Image.Image, boxes: Boxes, rng: np.random.Generator) -> Image.Image:
    """Cover eyes, draw lines and writing, shift colours, blur and compress, each with its own probability."""
    for box in boxes:
        if rng.random() < 0.22:
            image = cover_face_part(image, box, rng)
    if rng.random() < 0.15:
        image = scribble(image, rng)
    image = shift_colours(image, rng)
    if rng.random() < 0.06:
        image = screentone(image, rng)
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.6)))
    if rng.random() < 0.12:
        image = add_noise(image, rng)
    if rng.random() < 0.35:
        image = compress(image, rng)
    return image


def cover_face_part(image: Image.Image, box: NDArray[np.float32], rng: np.random.Generator) -> Image.Image:
    """Blindfold, sunglasses, eye patch, mask, hand or hair over a part of the face."""
    image = image.copy()
    draw = ImageDraw.Draw(image)
    x0, y0, x1, y1 = (float(edge) for edge in box)
    width, height = x1 - x0, y1 - y0
    colour = _cover_colour(rng)
    eyes = y0 + height * rng.uniform(0.35, 0.5)
    kind = rng.choice(["blindfold", "sunglasses", "patch", "mask", "limb"], p=[0.25, 0.3, 0.15, 0.15, 0.15])
    if kind == "blindfold":
        tilt, half = rng.normal(0, 0.06) * height, height * rng.uniform(0.12, 0.28)
        left, right = x0 - 0.15 * width, x1 + 0.15 * width
        top, bottom = eyes - half, eyes + half
        draw.polygon(
            [(left, top - tilt), (right, top + tilt), (right, bottom + tilt), (left, bottom - tilt)], fill=colour
        )
    elif kind == "sunglasses":
        radius_x, radius_y = width * rng.uniform(0.16, 0.24), height * rng.uniform(0.1, 0.2)
        for side in (0.27, 0.73):
            centre = x0 + side * width
            lens = (centre - radius_x, eyes - radius_y, centre + radius_x, eyes + radius_y)
            shape = draw.ellipse if rng.random() < 0.6 else draw.rectangle
            shape(lens, fill=colour, outline=_cover_colour(rng), width=max(1, int(width / 40)))
        draw.line((x0, eyes, x1, eyes), fill=colour, width=max(1, int(width / 30)))
    elif kind == "patch":
        centre, radius = x0 + rng.choice([0.28, 0.72]) * width, width * rng.uniform(0.14, 0.24)
        draw.ellipse((centre - radius, eyes - radius, centre + radius, eyes + radius), fill=colour)
        draw.line((x0, y0, x1, eyes), fill=colour, width=max(1, int(width / 30)))
    elif kind == "mask":
        draw.rectangle((x0 - 0.02 * width, y0 + height * rng.uniform(0.55, 0.7), x1 + 0.02 * width, y1), fill=colour)
    else:
        start = (rng.uniform(x0 - width, x1 + width), rng.uniform(y0 - height, y1 + height))
        end = (rng.uniform(x0, x1), rng.uniform(y0, y1))
        draw.line((*start, *end), fill=colour, width=max(2, int(width * rng.uniform(0.08, 0.25))))
    return image


def scribble(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Panel lines, a caption, a watermark, speed lines."""
    image = image.copy()
    draw = ImageDraw.Draw(image)
    width, height = image.size
    colour = _cover_colour(rng)
    kind = rng.choice(["lines", "writing", "bubble", "bar"])
    if kind == "lines":
        for _ in range(rng.integers(2, 20)):
            points = rng.uniform(-0.2, 1.2, 4) * [width, height, width, height]
            draw.line(tuple(points), fill=colour, width=int(rng.integers(1, 4)))
    elif kind == "writing":
        letters = "".join(chr(code) for code in rng.integers(33, 126, rng.integers(4, 30)))
        draw.text(
            (rng.uniform(0, width / 2), rng.uniform(0, height)),
            letters,
            fill=colour,
            font_size=int(rng.integers(8, 44)),
        )
    elif kind == "bubble":
        x, y = rng.uniform(0, width), rng.choice([0.0, 1.0]) * height
        radius = rng.uniform(0.1, 0.3) * width
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill="white", outline="black", width=2)
    else:
        depth = rng.uniform(0.05, 0.2) * height
        draw.rectangle((0, 0, width, depth), fill=colour)
        draw.rectangle((0, height - depth, width, height), fill=colour)
    return image


def shift_colours(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Brightness, contrast, saturation, hue; sometimes grey, tinted, posterised or inverted in channel order."""
    for enhance, spread in ((ImageEnhance.Brightness, 0.3), (ImageEnhance.Contrast, 0.35), (ImageEnhance.Color, 0.5)):
        if rng.random() < 0.5:
            image = enhance(image).enhance(math.exp(rng.normal(0, spread)))
    kind = rng.random()
    if kind < 0.12:
        grey = ImageOps.autocontrast(image.convert("L"), cutoff=float(rng.uniform(0, 8)))
        return grey.convert("RGB") if rng.random() < 0.6 else ImageOps.colorize(grey, _dark(rng), _light(rng))
    if kind < 0.30:
        hue, saturation, value = image.convert("HSV").split()
        shift = int(rng.integers(0, 256))
        return Image.merge(
            "HSV", (hue.point([(level + shift) % 256 for level in range(256)]), saturation, value)
        ).convert("RGB")
    if kind < 0.50:
        gains = np.exp(rng.normal(0, 0.15, 3))
        table = [min(255, int(level * gain)) for gain in gains for level in range(256)]
        return image.point(table)
    if kind < 0.53:
        return ImageOps.posterize(image, int(rng.integers(2, 5)))
    return image


def screentone(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Black and white dots whose size follows the darkness, as in printed manga."""
    grey = np.asarray(image.convert("L"), np.float32) / 255
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    pitch = rng.uniform(3, 6)
    pattern = 0.5 + 0.25 * (np.sin(2 * np.pi * (x + y) / pitch) + np.sin(2 * np.pi * (x - y) / pitch))
    dots = (grey > 0.15 + 0.6 * pattern).astype(np.float32)
    mixed = rng.uniform(0.3, 0.9) * dots + (1 - rng.uniform(0.3, 0.9)) * grey
    return Image.fromarray((np.clip(mixed, 0, 1) * 255).astype(np.uint8)).convert("RGB")


def add_noise(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Independent Gaussian noise per channel."""
    pixels = np.asarray(image, np.float32)
    noisy = pixels + rng.standard_normal(pixels.shape, np.float32) * rng.uniform(3, 18)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def compress(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """JPEG at a quality of 20 to 80."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(20, 81)))
    return Image.open(buffer).convert("RGB")


def _cover_colour(rng: np.random.Generator) -> Colour:
    if rng.random() < 0.55:
        shade = int(rng.choice([rng.integers(0, 60), rng.integers(225, 256)]))
        return (shade, shade, shade)
    red, green, blue = (int(level) for level in rng.integers(0, 256, 3))
    return (red, green, blue)


def _dark(rng: np.random.Generator) -> Colour:
    red, green, blue = (int(level) for level in rng.integers(0, 70, 3))
    return (red, green, blue)


def _light(rng: np.random.Generator) -> Colour:
    red, green, blue = (int(level) for level in rng.integers(170, 256, 3))
    return (red, green, blue)
