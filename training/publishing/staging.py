"""What is about to be published: a folder of plain files, and how it is shown before anything leaves the machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from anime_models.hub_upload import Changes, RemoteState, UploadType, changes_of

CARD = "README.md"
MAX_SHOWN = 40


@dataclass(frozen=True)
class Stage:
    """A folder that is ready to be published as it is.

    Attributes:
        folder: everything that the repository is to hold.
        repo_type: what kind of repository.
        message: of the commit.
        notes: what was left out or could not be found out.
    """

    folder: Path
    repo_type: UploadType
    message: str
    notes: tuple[str, ...] = ()


def copy_into(folder: Path, name: str, source: Path) -> None:
    """Copy one file to a name in a staged folder; links are followed."""
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def describe(stage: Stage, repo_id: str, state: RemoteState | None) -> str:
    """The staged tree with sizes, the card's front matter and the commit, in words.

    Args:
        stage: what would be published.
        repo_id: where.
        state: what the repository holds; None when the Hub could not be asked.
    """
    changes = changes_of(stage.folder, state or RemoteState())
    parts = [
        f"{stage.repo_type} {repo_id}",
        "",
        *_tree(stage.folder),
        "",
        *_front_matter(stage.folder / CARD),
        "",
        *_commit(stage, changes, state),
        *(f"note: {note}" for note in stage.notes),
    ]
    return "\n".join(parts)


def size_in_words(num_bytes: int) -> str:
    """Bytes with a unit, to three digits."""
    size = float(num_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _tree(folder: Path) -> list[str]:
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    lines = [f"  {size_in_words(size):>8}  {name}" for name, size in sorted(sizes.items())]
    more = [f"            and {len(lines) - MAX_SHOWN} files more"] if len(lines) > MAX_SHOWN else []
    return [*lines[:MAX_SHOWN], *more, f"  {size_in_words(sum(sizes.values())):>8}  in {len(sizes)} files"]


def _front_matter(card: Path) -> list[str]:
    if not card.is_file():
        return ["no card"]
    return [*card.read_text("utf-8").partition("\n---\n")[0].splitlines(), "---"]


def _commit(stage: Stage, changes: Changes, state: RemoteState | None) -> list[str]:
    if state is None:
        return [f'commit "{stage.message}": {len(changes.added)} files (the Hub was not asked what is there)']
    if changes.is_nothing:
        return [f"nothing to commit: the repository holds all {len(changes.unchanged)} files as they are"]
    parent = f"on top of {state.parent}" if state.exists else "in a new repository"
    counts = {"add": changes.added, "change": changes.changed, "remove": changes.removed, "keep": changes.unchanged}
    told = ", ".join(f"{verb} {len(paths)}" for verb, paths in counts.items() if paths)
    lines = [f'commit "{stage.message}" {parent}: {told}']
    return lines + [f"  remove  {path}" for path in changes.removed[:MAX_SHOWN]]
