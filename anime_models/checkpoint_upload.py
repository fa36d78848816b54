"""A checkpoint folder to the Hugging Face Hub, from Python."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from safetensors import SafetensorError, safe_open

from anime_models.checkpoints import CARD, CONFIG, RECORD, WEIGHTS
from anime_models.errors import HubError
from anime_models.hub_upload import Published, files_to_publish, push_folder

__all__ = ["push_checkpoint"]

_PATTERNS = ("*.safetensors", CONFIG, RECORD, CARD, "*.webp", "epochs/*.webp")


def push_checkpoint(folder: Path, repo_id: str, *, update: bool = False, private: bool = False) -> Published:
    """Publish a checkpoint folder with its own card, and nothing else that lies beside it.

    ``python -m training.publish model`` does more: it writes the card anew for the Hub and adds results.

    Raises:
        HubError: the folder is no whole checkpoint, or as `push_folder` says.
    """
    files_to_publish(folder)
    with tempfile.TemporaryDirectory(prefix="publish-") as temporary:
        staged = Path(temporary)
        for pattern in _PATTERNS:
            for path in folder.glob(pattern):
                (staged / path.relative_to(folder)).parent.mkdir(exist_ok=True)
                shutil.copyfile(path, staged / path.relative_to(folder))
        task = _checked_task(staged)
        return push_folder(staged, repo_id, message=f"Checkpoint, task {task}", update=update, private=private)


def _checked_task(folder: Path) -> str:
    """What a checkpoint folder is for; a look at the headers of its weights goes before."""
    for path in folder.glob("*.safetensors"):
        try:
            with safe_open(path, "numpy"):
                pass
        except SafetensorError as error:
            raise HubError(f"{path.name} is damaged ({error}). Save the checkpoint again.") from error
    try:
        task = json.loads((folder / CONFIG).read_bytes())["task"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise HubError(f"{CONFIG} names no task. Name a whole checkpoint folder.") from error
    if not (folder / WEIGHTS).is_file() or not (folder / CARD).is_file():
        raise HubError(f"{WEIGHTS} or {CARD} is missing. Name a whole checkpoint folder.")
    return str(task)
