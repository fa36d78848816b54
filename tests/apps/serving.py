"""Start a program that serves pages, as a process of its own, and wait until it does."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(module: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def served(module: str) -> Iterator[str]:
    """Address of a running page, with a slash at its end."""
    with start(module, "--port", str(free_port())) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            said = process.stdout.readline()
            found = re.search(r"http://\S+/(?= )", said)
            assert found, f"{module} says {said!r} and {process.stderr.read()!r}"
            yield found.group()
        finally:
            process.terminate()
