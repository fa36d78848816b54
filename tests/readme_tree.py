"""The tree in README.md, written from the modules' own first sentences: ``python -m tests.readme_tree``."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
# Folders whose modules get a line each; of the others, which hold parts of one of these, the folder gets the line.
LISTED = ("anime_models", "apps/dashboard", "apps/demo", "training")
START, END = "```\nanime_models/\n", "anime_models/embedded/  "
COLUMN = 26


def tree() -> str:
    """The lines of the tree: every module, or every folder of parts, with what it is for."""
    lines = []
    for folder in LISTED:
        lines.append(f"{folder}/")
        entries = [*(ROOT / folder).glob("*.py"), *(path.parent for path in (ROOT / folder).glob("*/__init__.py"))]
        for entry in sorted(entries, key=lambda path: (path.is_dir(), path.name)):
            if entry.name != "__init__.py":
                lines.append(f"  {entry.name + '/' * entry.is_dir():<{COLUMN}} {purpose(entry)}")
    return "\n".join(lines) + "\n"


def purpose(entry: Path) -> str:
    """First sentence of a module's docstring; of a folder's ``__init__`` with the names of its modules."""
    source = entry / "__init__.py" if entry.is_dir() else entry
    first = " ".join((ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "").split("\n\n")[0].split())
    sentence = re.split(r"(?<=[\w)`])\.(?: |$)", first)[0]
    if not entry.is_dir():
        return sentence
    names = sorted(path.stem for path in entry.glob("*.py") if path.stem != "__init__")
    return f"{sentence}: {', '.join(names)}"


def with_tree(readme: str) -> str:
    """The README with the tree of today."""
    start, end = readme.index(START) + len("```\n"), readme.index(END)
    return readme[:start] + tree() + readme[end:]


if __name__ == "__main__":
    README.write_text(with_tree(README.read_text("utf-8")), "utf-8")
    sys.exit(0)
