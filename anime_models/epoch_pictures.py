"""Pictures that a training leaves of each epoch."""

from __future__ import annotations

from pathlib import Path


def epoch_pictures(folder: Path) -> tuple[Path, ...]:
    """Grids of one noise after each epoch in a folder, oldest first: ``epoch-1000.webp`` comes after ``epoch-999``."""
    found = (path for path in folder.glob("epoch-*.webp") if path.is_file())
    return tuple(sorted(found, key=lambda path: (len(path.name), path.name)))
