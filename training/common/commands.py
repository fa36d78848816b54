"""How every command ends: with an error of ours in a line, and after Ctrl-C in one that says how to go on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from anime_models.errors import AnimeModelsError

INTERRUPTED = 130  # the exit status of a command that Ctrl-C ended
SAME_COMMAND = "The same command goes on from here."


def exit_status(command: Callable[[], int | None]) -> int:
    """Do what a command does, and say in a line what ended it early.

    Returns:
        What ``command`` returns, 0 for None; 1 after an error of ours; 130 after Ctrl-C.
    """
    try:
        return command() or 0
    except AnimeModelsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"Stopped. {stop}".rstrip(), file=sys.stderr)
        return INTERRUPTED


@contextmanager
def resumable(how: str) -> Iterator[None]:
    """Let what Ctrl-C stops in a block say how to go on with it."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(how) from stop


def with_resume(folder: Path) -> str:
    """How to go on with the run of a folder."""
    return f"The same command with --resume {folder} goes on from here."
