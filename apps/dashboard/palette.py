"""Colours that colour-blind people can tell apart, on light and on dark pages; and how measured and reported differ.

The first four are those of Okabe and Ito. Each has a contrast of at least 3:1 with white and with the dark page; a
marker's shape and a line's dashes say the same once more.
"""

from apps.dashboard.names import MEASURED, REPORTED

LIGHT_PAGE, DARK_PAGE = "#ffffff", "#171614"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8800ff", "#dd0044")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MUTED = "#808080"
GRID = "rgba(128, 128, 128, 0.25)"
# Perceptually even and readable without telling red from green (Nuñez, Anderton and Renslow, 2018).
SEQUENTIAL = "Cividis"
# Blue over grey to orange: differences, 0 in the middle.
DIVERGING: list[list[float | str]] = [[0.0, "#0072b2"], [0.5, "#d9d9d9"], [1.0, "#d55e00"]]
# Reported figures are hollow or hatched, measured ones filled, wherever they stand.
HATCH = {MEASURED: "", REPORTED: "/"}
HOLLOW = {MEASURED: "", REPORTED: "-open"}


def colour(number: int) -> str:
    """Colour of the series with that number; they repeat after the last."""
    return COLOURS[number % len(COLOURS)]


def symbol(number: int, kind: str = MEASURED) -> str:
    """Marker of a series, hollow where its figures are reported."""
    return SYMBOLS[number % len(SYMBOLS)] + HOLLOW.get(kind, "")


def dash(number: int) -> str:
    """Dashes of the series with that number."""
    return DASHES[number % len(DASHES)]


def faded(shade: str, opacity: float) -> str:
    """A colour that lets through what lies below."""
    red, green, blue = (int(shade[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def ink_on(shade: tuple[float, float, float]) -> str:
    """Black or white, whichever has the greater contrast (WCAG 2.1) with a colour of parts in [0, 1]."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shade)
    brightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    # Both contrasts are the same where (1.05 / (b + 0.05)) equals ((b + 0.05) / 0.05).
    return "#000000" if brightness > 0.179 else "#ffffff"
