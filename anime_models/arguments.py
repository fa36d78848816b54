"""Numbers that somebody slid, typed or sent, checked against their range."""

from __future__ import annotations

import numpy as np

from anime_models.errors import ConfigError


def whole_number(name: str, value: object, low: int, high: int) -> int:
    """The value as an int, or a ``ConfigError`` that tells the range; floats, texts and truth values are refused."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not low <= value <= high:
        raise ConfigError(f"The {name} is {_shown(value)}; give a whole number from {low} to {high}.")
    return int(value)


def real_number(name: str, value: object, low: float, high: float) -> float:
    """The value as a float, or a ``ConfigError`` that tells the range; NaN, texts and truth values are refused."""
    if (
        not isinstance(value, int | float | np.integer | np.floating)
        or isinstance(value, bool)
        or not low <= value <= high
    ):
        raise ConfigError(f"The {name} is {_shown(value)}; give a number from {low:g} to {high:g}.")
    return float(value)


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
