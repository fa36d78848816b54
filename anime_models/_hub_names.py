"""Names of repositories and of what is in them, checked before anything is asked of the Hub or written to its cache."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import validate_repo_id

from anime_models.errors import HubError

RepoType = Literal["model", "dataset"]
PUBLIC = "ANIME_MODELS_PUBLIC"

_WORDS: dict[RepoType, str] = {"model": "model repository", "dataset": "data set"}
# Revisions become paths in the cache, so the rules of git (git-check-ref-format) are more than a matter of taste:
# "../x" or "/x" would lead out of it.
_NO_REVISION = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(^|/)\.|\.lock(/|$)|^/|[/.]$")
_LONGEST_REVISION = 200


class Repository(NamedTuple):
    """A repository at a revision; None is its branch "main"."""

    repo_id: str
    revision: str | None = None
    repo_type: RepoType = "model"

    def __str__(self) -> str:
        return self.repo_id if self.revision is None else f"{self.repo_id}@{self.revision}"

    def at(self, revision: str | None) -> Repository:
        """The same at a revision that was said besides.

        Raises:
            HubError: it is none, or the name says another.
        """
        if revision is None or revision == self.revision:
            return self
        if self.revision is not None:
            raise HubError(f'"{self}" already names a revision, and "{revision}" is another. Give one of them.')
        if not _is_revision(revision):
            raise HubError(f'"{revision}" is not the name of a revision. Give a branch, tag or commit.')
        return self._replace(revision=revision)


def is_public() -> bool:
    """Whether strangers may name sources (`ANIME_MODELS_PUBLIC`), so that only public repositories count."""
    return os.environ.get(PUBLIC, "").strip().lower() in ("1", "true", "yes", "on")


def otherwise(advice: str) -> str:
    """What to do where a repository cannot be had: a visitor of a public page has no folders and no token here."""
    return "Choose another repository, or try again later." if is_public() else f"{advice}."


def parse_repository(name: str, repo_type: RepoType) -> Repository | None:
    """The repository of ``owner/name`` or ``owner/name@revision``; None for anything else."""
    repo_id, at, revision = name.partition("@")
    if repo_id.count("/") != 1 or (at and not _is_revision(revision)):
        return None
    try:
        validate_repo_id(repo_id)
    except HFValidationError:
        return None
    return Repository(repo_id, revision or None, repo_type)


def check_names(repository: Repository, names: Sequence[str]) -> None:
    """Refuse files whose names would lead out of the folder that they are fetched into."""
    for name in names:
        if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/"):
            raise HubError(
                f"The Hub repository {repository} lists a file {name!r}, a name that leads out of its folder. "
                "Nothing of it is fetched: choose another repository."
            )


def refusal_message(repository: Repository, error: Exception) -> str:
    """What the Hub's refusal to show or give something means, and what to do."""
    if isinstance(error, GatedRepoError):
        advice = "Accept its terms on its page, then log in with `hf auth login` or set HF_TOKEN"
        return f"The Hub repository {repository.repo_id} is gated. {otherwise(advice)}"
    if isinstance(error, RepositoryNotFoundError):
        advice = "Check the spelling; for a private one log in with `hf auth login` or set HF_TOKEN"
        return (
            f"There is no {_WORDS[repository.repo_type]} {repository.repo_id} on the Hub, or it is private. "
            f"{otherwise(advice)}"
        )
    if isinstance(error, RevisionNotFoundError):
        return (
            f"The Hub repository {repository.repo_id} has no revision {repository.revision or 'main'}. "
            "Give a branch, tag or commit that its page lists."
        )
    return f"The Hub repository {repository} lists a file that it does not hold. Try again, or tell its owner."


def _is_revision(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_REVISION and _NO_REVISION.search(name) is None
