"""Types of command-line flags that more than one verb takes."""

from __future__ import annotations

import argparse

LARGEST_SEED = 999_999


def positive_int(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not above 0")
    return number


def positive_float(text: str) -> float:
    """A number above 0."""
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def seed(text: str) -> int:
    """A seed that every library takes, also multiplied by the number of an epoch."""
    number = int(text)
    if not 0 <= number <= LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{number} is not from 0 to {LARGEST_SEED}")
    return number
