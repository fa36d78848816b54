"""Staged Spaces, started with nothing but what their requirements.txt names, and cut off from the network.

A fresh virtual environment of one Space is minutes of installing and gigabytes (PyTorch). So the usual tests start the
staged program without any site-packages, and put beside it links to just those installed distributions that its
requirements.txt resolves to, recursively. What is not named there cannot be imported. What this does not show is that
the exact versions pinned for the Hub install and run: `python -m tests.fresh_spaces` does (``make test-spaces``).
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.apps.serving import free_port

ROOT = Path(__file__).parent.parent
SPACES = ROOT / "spaces"
# Only a Space with a lent card needs it, where the Hub installs it by itself; app.py does without.
OPTIONAL = {"spaces"}
# Runs the program of the working folder as `python app.py` does, but for connections to other machines.
PROGRAM = """
import runpy, sys
HERE = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "", None}
def only_here(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in HERE:
        raise PermissionError(f"the network is off: {arguments[1]}")
    if event == "socket.getaddrinfo" and arguments[0] not in HERE:
        raise PermissionError(f"the network is off: {arguments[0]}")
sys.addaudithook(only_here)
sys.argv = ["app.py"]
runpy.run_path("app.py", run_name="__main__")
"""


def stage(name: str, tree: Path, *arguments: str) -> Path:
    """The tree of a Space, written by the command itself."""
    command = [sys.executable, "spaces/deploy.py", name, "--dry-run", str(tree), *arguments]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return tree


def required_by(requirements: Path) -> list[Requirement]:
    lines = requirements.read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def resolved(requirements: Sequence[Requirement]) -> dict[str, Distribution]:
    """The installed distributions that requirements lead to, by name.

    Ranges have to hold for what is installed here; versions that are pinned exactly are those of the Space.
    """
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        try:
            package = found.setdefault(name, distribution(name))
        except PackageNotFoundError:
            if name in OPTIONAL:
                continue
            raise
        if requirement in requirements and not str(requirement.specifier).startswith("=="):
            assert requirement.specifier.contains(package.version), f"{requirement}, but {package.version} is installed"
        for extra in {"", *requirement.extras}:
            if (name, extra) not in done:
                done.add((name, extra))
                waiting += _needs(package, extra)
    return found


def _needs(package: Distribution, extra: str) -> Iterator[Requirement]:
    for line in package.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def link_site(site: Path, packages: Mapping[str, Distribution]) -> Path:
    """A folder with links to the files of some distributions; Streamlit wants it to be called site-packages."""
    entries: dict[str, Path] = {}
    for package in packages.values():
        for file in package.files or []:
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                entries[str(file)] = Path(str(package.locate_file(file)))
    _link(site, entries)
    return site


def _link(folder: Path, entries: Mapping[str, Path]) -> None:
    """Link whole folders where all of their content is wanted, else what is in them."""
    folder.mkdir(parents=True, exist_ok=True)
    below: dict[str, dict[str, Path]] = defaultdict(dict)
    for name, path in entries.items():
        first, _, rest = name.partition("/")
        if rest:
            below[first][rest] = path
        elif path.exists():
            (folder / first).symlink_to(path)
    for first, inside in below.items():
        rest, path = next(iter(inside.items()))
        real = path.parents[len(PurePosixPath(rest).parts) - 1]
        # A folder without __init__ can be shared by distributions of which not all are wanted.
        if (real / "__init__.py").exists() or first.endswith((".dist-info", ".libs")):
            (folder / first).symlink_to(real)
        else:
            _link(folder / first, inside)


@contextmanager
def running(tree: Path, python: Sequence[str], environment: Mapping[str, str], home: Path) -> Iterator[str]:
    """Address of a staged Space that is started like on the Hub, with a slash at its end."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "HF_HOME": str(home / "huggingface"),
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_DISABLE_XET": "1",
        "PYTHONWARNINGS": "ignore",
        **environment,
    }
    with tempfile.TemporaryFile("w+") as errors:
        command = [*python, "-c", PROGRAM]
        with subprocess.Popen(
            command, cwd=tree, env=variables, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process:
            try:
                assert process.stdout is not None
                said = ""
                for line in process.stdout:
                    said += line
                    if found := re.search(r" is at (http://\S+/) ", line):
                        yield found.group(1)
                        return
                errors.seek(0)
                raise RuntimeError(f"{tree.name} did not come up. It said: {said}{errors.read()}")
            finally:
                process.terminate()
