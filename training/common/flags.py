"""Types of command-line flags that more than one verb takes, and a check of folders that they name."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from anime_models.errors import ConfigError

LARGEST_SEED = 999_999


def positive_int(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not above 0")
    return number


def positive_float(text: str) -> float:
    """A finite number above 0."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a finite number above 0")
    return number


def share(text: str) -> float:
    """A number above 0 and not above 1."""
    number = float(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return number


def num_folds(text: str) -> int:
    """How many folds, two at least."""
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError(f"{number} is not above 1")
    return number


def seed(text: str) -> int:
    """A seed that every library takes, also multiplied by the number of an epoch."""
    number = int(text)
    if not 0 <= number <= LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{number} is not from 0 to {LARGEST_SEED}")
    return number


def check_folder(folder: Path, flag: str) -> None:
    """Refuse a place where no folder is or can be made, before any time is spent on what is to lie in it.

    Raises:
        ConfigError: when a file is there or above, names it.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists() or path.is_symlink())
    if not there.is_dir():
        raise ConfigError(f"{flag}: {there} is not a folder; name another place than {folder}.")
