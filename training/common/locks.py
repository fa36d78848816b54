"""Which of several processes may work on something."""

from __future__ import annotations

import fcntl
import os
import platform
from pathlib import Path

from anime_models.errors import ConfigError


class Lock:
    """The right of one process to work on something, held by an advisory lock on a file (flock).

    The operating system takes the lock back when the process ends, however it ends: a file that a killed process left
    behind is not locked, so it stops nobody. What is written in it only says who holds it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Lock | None:
        """Lock a file, or return None when another process has it.

        Raises:
            ConfigError: when its folder cannot be written to.
        """
        return cls._locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @classmethod
    def wait_for(cls, path: Path) -> Lock:
        """Lock a file as soon as no other process has it."""
        lock = cls._locked(path, fcntl.LOCK_EX)
        assert lock is not None
        return lock

    @classmethod
    def _locked(cls, path: Path, operation: int) -> Lock | None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written ({error.strerror}); name another --out.") from error
        try:
            fcntl.flock(descriptor, operation)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {platform.node()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let others have it. The file stays: another process may have opened it and be about to lock it."""
        os.close(self._descriptor)


def lock_path(runs: Path, name: str) -> Path:
    """Where the lock of that name lies in the folder of all runs."""
    return runs / "locks" / f"{name}.lock"


def holder(path: Path) -> str:
    """Who wrote themselves into a lock file last."""
    return path.read_text("utf-8").strip() or "another process"
