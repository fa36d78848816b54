"""The last epoch of an unfinished run, so that a killed one goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from anime_models.errors import ConfigError

LAST_EPOCH, BEST_EPOCH = "last_epoch.pt", "best_epoch.pt"


class RunState:
    """Reads and writes what a run is resumed from, and ``metrics.jsonl``.

    ``parts`` are what an epoch changes, by name; each has ``state_dict`` and ``load_state_dict``.
    """

    def __init__(self, folder: Path, parts: Mapping[str, Any]) -> None:
        self.parts = parts
        self.last = folder / LAST_EPOCH
        self.best = folder / BEST_EPOCH
        self.metrics = folder / "metrics.jsonl"

    def restore(self) -> list[dict[str, float]]:
        """Put every part back to the last epoch; the lines of ``metrics.jsonl`` so far, none for a new run.

        Raises:
            ConfigError: when the file of the last epoch is damaged.
        """
        if not self.last.exists():
            return []
        saved = _loaded(self.last)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        epochs: list[dict[str, float]] = saved["epochs"]
        return epochs

    def save(self, epochs: list[dict[str, float]], best: Mapping[str, Tensor] | None) -> None:
        """Write the state after an epoch, and ``best``, the weights to keep so far, where they have changed.

        Raises:
            ConfigError: when a file cannot be written; what was there before stays.
        """
        if best is not None:
            _replace(self.best, lambda path: torch.save(best, path))
        state = {name: part.state_dict() for name, part in self.parts.items()}
        _replace(self.last, lambda path: torch.save({**state, "epochs": epochs}, path))
        lines = "".join(json.dumps(line) + "\n" for line in epochs)
        _replace(self.metrics, lambda path: path.write_text(lines))

    def best_weights(self) -> dict[str, Tensor]:
        """The weights to keep."""
        return _loaded(self.best)


def forget_state(folder: Path) -> None:
    """Remove what an unfinished run is resumed from."""
    for name in (LAST_EPOCH, BEST_EPOCH):
        (folder / name).unlink(missing_ok=True)


def _loaded(path: Path) -> dict[str, Any]:
    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files are read up to errors of any kind
        raise ConfigError(
            f"{path} is damaged or missing; delete {LAST_EPOCH} beside it, and the run starts from its beginning."
        ) from error
    return saved


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file so that a kill or a full disk leaves the old one or the new one, never half of it."""
    temporary = path.with_suffix(".tmp")
    try:
        write(temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch's own writer raises the latter
        temporary.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else str(error).partition("\n")[0]
        raise ConfigError(f"{path} cannot be written ({reason}); make room on its disk, and resume the run.") from error
