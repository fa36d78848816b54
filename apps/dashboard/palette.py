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
DIVERGING = [[0.0, "#0072b2"], [0.5, "#d9d9d9"], [1.0, "#d55e00"]]
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
