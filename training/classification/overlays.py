"""What people lay over pictures before they pass them on: captions, watermarks, play buttons, emoji.

Everything is drawn with Pillow and its built-in font; lengths are shares of the picture's sides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SUPERSAMPLING = 4  # overlays are drawn this much larger and reduced, for smooth edges
CAPTIONS = ("me on a monday", "episode 12", "best girl?", "wait, what", "new clip!", "part 2 in bio", "that scene...")
WATERMARKS = ("@fan_page", "preview", "sample", "clips.example", "(c) uploader")
EMOJI_COLOURS = ((255, 204, 77), (234, 67, 88), (90, 170, 250))


def overlaid(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Lay one caption bar, watermark, play button or emoji, drawn at random, over an RGB picture."""
    large = (image.width * SUPERSAMPLING, image.height * SUPERSAMPLING)
    layer = Image.new("RGBA", large)
    draw = OVERLAYS[int(rng.integers(len(OVERLAYS)))]
    draw(layer, rng)
    small = layer.resize(image.size, Image.Resampling.BOX)
    return Image.alpha_composite(image.convert("RGBA"), small).convert("RGB")


def _caption(layer: Image.Image, rng: np.random.Generator) -> None:
    """A black or white bar with a line of text, 12 to 18% of the height, along the top or the bottom."""
    height = rng.uniform(0.12, 0.18) * layer.height
    top = 0.0 if rng.random() < 0.5 else layer.height - height
    paper, ink = ("white", "black") if rng.random() < 0.5 else ("black", "white")
    draw = ImageDraw.Draw(layer)
    draw.rectangle((0, top, layer.width, top + height), fill=paper)
    text = CAPTIONS[int(rng.integers(len(CAPTIONS)))]
    font = _font_of_width(text, 0.9 * layer.width, 0.7 * height)
    draw.text((layer.width / 2, top + height / 2), text, fill=ink, font=font, anchor="mm")


def _watermark(layer: Image.Image, rng: np.random.Generator) -> None:
    """Outlined text over 60 to 90% of the width, 40 to 65% opaque, tilted by up to 30 degrees, at any height."""
    text = WATERMARKS[int(rng.integers(len(WATERMARKS)))]
    font = _font_of_width(text, rng.uniform(0.6, 0.9) * layer.width, 0.3 * layer.height)
    centre = (layer.width / 2, rng.uniform(0.2, 0.8) * layer.height)
    alpha = round(255 * rng.uniform(0.4, 0.65))
    writing = Image.new("RGBA", layer.size)
    ImageDraw.Draw(writing).text(
        centre,
        text,
        fill=(255, 255, 255, alpha),
        font=font,
        anchor="mm",
        stroke_width=SUPERSAMPLING,
        stroke_fill=(40, 40, 40, alpha),
    )
    layer.alpha_composite(writing.rotate(rng.uniform(-30, 30), Image.Resampling.BILINEAR, center=centre))


def _play_button(layer: Image.Image, rng: np.random.Generator) -> None:
    """A disc with a triangle, 22 to 32% of the shorter side across, near the middle, 60 to 80% opaque."""
    radius = rng.uniform(0.11, 0.16) * min(layer.size)
    x, y = (side * rng.uniform(0.44, 0.56) for side in layer.size)
    alpha = round(255 * rng.uniform(0.6, 0.8))
    draw = ImageDraw.Draw(layer)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(20, 20, 20, alpha))
    corners = [(x + radius * dx, y + radius * dy) for dx, dy in ((-0.3, -0.5), (-0.3, 0.5), (0.55, 0))]
    draw.polygon(corners, fill=(255, 255, 255, alpha))


def _emoji(layer: Image.Image, rng: np.random.Generator) -> None:
    """A smiling disc in one corner, 16 to 26% of the shorter side across."""
    radius = rng.uniform(0.08, 0.13) * min(layer.size)
    x, y = (radius * 1.2 if rng.random() < 0.5 else side - radius * 1.2 for side in layer.size)
    draw = ImageDraw.Draw(layer)
    colour = EMOJI_COLOURS[int(rng.integers(len(EMOJI_COLOURS)))]
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    for side in (-1, 1):
        eye_x, eye_y, eye = x + side * 0.35 * radius, y - 0.25 * radius, 0.13 * radius
        draw.ellipse((eye_x - eye, eye_y - eye, eye_x + eye, eye_y + eye), fill="black")
    mouth = (x - 0.55 * radius, y - 0.5 * radius, x + 0.55 * radius, y + 0.55 * radius)
    draw.arc(mouth, 20, 160, fill="black", width=max(1, round(0.14 * radius)))


def _font_of_width(text: str, width: float, most_height: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The built-in font at the size that makes a text as wide as asked for, but no higher than ``most_height``."""
    probe = ImageFont.load_default(100)
    return ImageFont.load_default(max(4.0, min(100 * width / probe.getlength(text), most_height)))


OVERLAYS: tuple[Callable[[Image.Image, np.random.Generator], None], ...] = (
    _caption,
    _watermark,
    _play_button,
    _emoji,
)
