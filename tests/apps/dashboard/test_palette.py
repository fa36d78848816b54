"""The colours can be told apart by everybody, whatever colours they see, on light and on dark pages."""

import itertools

import numpy as np
import pytest
from plotly.colors import sample_colorscale

from apps.dashboard.palette import (
    COLOURS,
    DARK_PAGE,
    DASHES,
    DIVERGING,
    LIGHT_PAGE,
    SEQUENTIAL,
    SYMBOLS,
    ink_on,
    symbol,
)

SMALLEST_CONTRAST = 3.0  # WCAG 2.1, success criterion 1.4.11
SMALLEST_TEXT_CONTRAST = 4.5  # WCAG 2.1, success criterion 1.4.3
SMALLEST_DIFFERENCE = 15.0  # CIE 1976, clearly another colour
# Machado, Oliveira and Fernandes (2009), severity 1.
SIGHT = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def lab(colour: str, sight: np.ndarray) -> np.ndarray:
    relative = TO_XYZ @ np.clip(sight @ linear(colour), 0, 1) / WHITE
    x, y, z = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("page", [LIGHT_PAGE, DARK_PAGE])
@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_stands_out_from_the_page(colour: str, page: str) -> None:
    assert contrast(colour, page) >= SMALLEST_CONTRAST


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_differ_for_every_kind_of_sight(sight: str) -> None:
    pairs = itertools.combinations([lab(colour, SIGHT[sight]) for colour in COLOURS], 2)
    assert min(float(np.linalg.norm(one - other)) for one, other in pairs) >= SMALLEST_DIFFERENCE


@pytest.mark.parametrize("scale", [SEQUENTIAL, DIVERGING])
def test_texts_can_be_read_in_every_cell_of_a_map(scale: str | list[list[float | str]]) -> None:
    for shade in sample_colorscale(scale, list(np.linspace(0, 1, 50)), colortype="tuple"):
        written = "#" + "".join(f"{round(part * 255):02x}" for part in shade)
        assert contrast(ink_on(shade), written) >= SMALLEST_TEXT_CONTRAST


def test_shape_and_dashes_say_the_same_as_colour() -> None:
    assert len(set(SYMBOLS)) == len(set(DASHES)) == len(COLOURS)


def test_reported_marks_are_hollow() -> None:
    assert symbol(1, "reported") == "square-open"
    assert symbol(1, "measured") == "square"
