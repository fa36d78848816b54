"""Start a program that serves pages, as a process of its own, and wait until it does."""

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(module: str, *arguments: str, errors: IO[str] | None = None) -> subprocess.Popen[str]:
    """The running program; what it complains of goes to `errors`, or can be read from it."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=errors or subprocess.PIPE,
        text=True,
    )


@contextmanager
def served(module: str, *arguments: str) -> Iterator[str]:
    """Address of a running page, with a slash at its end."""
    with (
        tempfile.TemporaryFile("w+") as errors,
        start(module, "--port", str(free_port()), *arguments, errors=errors) as process,
    ):
        try:
            yield _address(process, errors)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str], errors: IO[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(r" is at (http://\S+/) ", line):
            return found.group(1)
    errors.seek(0)
    raise RuntimeError(f"The page did not come up. It said: {''.join(said)}{errors.read()}")
