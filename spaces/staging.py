"""What a Space's repository holds: exactly what runs there, found by following the imports from its app.py on."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from anime_models.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
SPACES = Path(__file__).resolve().parent
EMBEDDED, RECORDS = "anime_models/embedded", "records"
# Besides Python: what our packages read beside their modules.
DATA_SUFFIXES = (".css", ".js", ".typed")
WEIGHTS = ".safetensors"


@dataclass(frozen=True)
class Plan:
    """One kind of Space.

    Attributes:
        package: our package that it serves, staged whole: its pages may be run as files.
        files: what else its folder here gives to the tree.
        weights: whether the embedded checkpoints are needed whole, or the records of all runs alone.
    """

    package: str
    files: tuple[str, ...]
    weights: bool


PLANS = {
    "demo": Plan("apps/demo", ("app.py", "requirements.txt", "README.md"), weights=True),
    "dashboard": Plan("apps/dashboard", ("app.py", "requirements.txt", "README.md", "Dockerfile"), weights=False),
}


def stage(name: str, tree: Path, front_matter: Mapping[str, Any], left_out: Sequence[str] = ()) -> None:
    """Write a Space's tree into an empty or new folder.

    Args:
        name: of a plan.
        tree: the folder.
        front_matter: what to set in the README's front matter.
        left_out: embedded checkpoints that come from the Hub instead.

    Raises:
        ConfigError: the folder holds something, or there is no such plan or checkpoint.
    """
    if name not in PLANS:
        raise ConfigError(f"There is no Space {name!r} here; choose one of: {', '.join(PLANS)}.")
    if tree.exists() and any(tree.iterdir()):
        raise ConfigError(f"{tree} holds files already; name an empty folder.")
    plan = PLANS[name]
    for file in plan.files:
        _copy(SPACES / name / file, tree / file)
    for path in [*modules(name), *_data_files(plan, left_out), ROOT / "LICENSE"]:
        _copy(path, tree / path.relative_to(ROOT))
    _set_front_matter(tree / "README.md", front_matter)


def modules(name: str) -> list[Path]:
    """Our modules that a Space can reach, sorted; those of its own package are all there."""
    package = ROOT / PLANS[name].package
    waiting = [SPACES / name / "app.py", *package.rglob("*.py")]
    reached: set[Path] = set(waiting[1:])
    while waiting:
        for path in _imported(waiting.pop()):
            if path not in reached:
                reached.add(path)
                waiting.append(path)
    return sorted(reached)


def imported_names(path: Path) -> Iterator[str]:
    """Every name that a module imports, wherever in it; of ``from a import b`` both ``a`` and ``a.b``."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def read_front_matter(readme: Path) -> tuple[dict[str, Any], str]:
    """Front matter and body of a Space's README."""
    _, block, body = readme.read_text("utf-8").split("---\n", 2)
    fields: dict[str, Any] = yaml.safe_load(block)
    return fields, body


def _imported(path: Path) -> Iterator[Path]:
    """Our files behind a module's imports, with the packages that they lie in."""
    for name in imported_names(path):
        parts = name.split(".")
        if not (ROOT / parts[0] / "__init__.py").is_file():
            continue
        for depth in range(1, len(parts) + 1):
            place = ROOT.joinpath(*parts[:depth])
            found = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            if found.is_file():
                yield found


def _data_files(plan: Plan, left_out: Sequence[str]) -> Iterator[Path]:
    for folder in (ROOT / plan.package, ROOT / "anime_models"):
        yield from (path for path in sorted(folder.rglob("*")) if path.suffix in DATA_SUFFIXES)
    embedded = ROOT / EMBEDDED
    missing = [name for name in left_out if not (embedded / name).is_dir()]
    if missing:
        raise ConfigError(f"There is no embedded checkpoint {missing[0]!r} to leave out.")
    for path in sorted(embedded.rglob("*")):
        name = path.relative_to(embedded).parts[0]
        is_needed = name not in (*left_out, RECORDS) if plan.weights else path.suffix != WEIGHTS
        if path.is_file() and is_needed:
            yield path


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _set_front_matter(readme: Path, changes: Mapping[str, Any]) -> None:
    fields, body = read_front_matter(readme)
    block = yaml.safe_dump({**fields, **changes}, sort_keys=False, allow_unicode=True)
    readme.write_text(f"---\n{block}---\n{body}", "utf-8")
