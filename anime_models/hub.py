"""Where a checkpoint or a data set comes from: a folder on this machine, or a repository on the Hugging Face Hub.

A source is written as one of::

    runs/best/checkpoint          an existing folder
    local-dir:runs/best           the same, said explicitly
    owner/name                    a repository on the Hub, its branch "main"
    owner/name@revision           the same, at a branch, a tag or a commit
    hf-hub:owner/name@revision    the same, said explicitly

Only files of our own formats (`FILE_PATTERNS`) are fetched, and no more than `MAX_BYTES` of them. Pickles never are:
loading one can run any code.

Where strangers may name a source, as on a public page, set the environment's ``ANIME_MODELS_PUBLIC=1``: then a name is
a repository that everybody can see, or nothing. No answer tells what folders there are, and the token of whoever runs
the page opens no private repository to its visitors. A `Path` is still a folder: no visitor's words become one.
"""

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import filter_repo_objects, validate_repo_id

from anime_models._hub_failures import FAILURES, REFUSALS, failure_reason
from anime_models.errors import HubError

__all__ = ["FILE_PATTERNS", "MAX_BYTES", "PICKLES", "PUBLIC", "RepoType", "is_public", "local_folder"]

RepoType = Literal["model", "dataset"]

# By type of repository: which files are fetched, and how many bytes of them at most.
FILE_PATTERNS: dict[RepoType, tuple[str, ...]] = {
    "model": ("*.safetensors", "*.json", "*.md", "*.parquet", "*.webp"),
    "dataset": ("*.parquet", "*.json", "*.jsonl", "*.md", "*.png", "*.jpg", "*.jpeg", "*.webp"),
}
MAX_BYTES: dict[RepoType, int] = {"model": 2_000_000_000, "dataset": 20_000_000_000}
MAX_JSON_BYTES = 10_000_000
PICKLES = (".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth")
PUBLIC = "ANIME_MODELS_PUBLIC"

_LOCAL_PREFIX = "local-dir:"
_HUB_PREFIX = "hf-hub:"
_WORDS: dict[RepoType, str] = {"model": "model repository", "dataset": "data set"}

_logger = logging.getLogger(__name__)


class _Repository(NamedTuple):
    repo_id: str
    revision: str | None = None
    repo_type: RepoType = "model"

    def __str__(self) -> str:
        return self.repo_id if self.revision is None else f"{self.repo_id}@{self.revision}"


def is_public() -> bool:
    """Whether strangers may name sources (`ANIME_MODELS_PUBLIC`), so that only public repositories count."""
    return os.environ.get(PUBLIC, "").strip().lower() in ("1", "true", "yes", "on")


def local_folder(source: str | Path, revision: str | None = None, repo_type: RepoType = "model") -> Path:
    """Return the local folder that `source` stands for, fetching it from the Hub where needed.

    Args:
        source: a folder, or a Hub repository as the module's docstring writes them. A `Path` is always a folder.
        revision: branch, tag or commit of a Hub repository; the same as writing ``owner/name@revision``.
        repo_type: what a Hub repository holds.

    Returns:
        An existing folder. One that came from the Hub lies in the Hub's cache: read it, never write to it.
        When the Hub cannot be reached, the last fetched copy of the same revision is returned.

    Raises:
        HubError: there is no such folder, repository or revision, the name can be read in two ways, the repository is
            too large or holds weights as a pickle alone, or the Hub cannot be reached and nothing is cached. The
            message says which and what to do.
    """
    if isinstance(source, Path):
        return _existing_folder(source, revision)
    name = source.strip()
    if is_public():
        return _hub_folder(_with_revision(_public_repository(name, repo_type), revision))
    if name.startswith(_LOCAL_PREFIX):
        return _existing_folder(_as_path(name.removeprefix(_LOCAL_PREFIX)), revision)
    if name.startswith(_HUB_PREFIX):
        repository = _parse_repository(name.removeprefix(_HUB_PREFIX), repo_type)
        if repository is None:
            raise HubError(f'"{name}" is not the name of a Hub repository. Write it as {_HUB_PREFIX}owner/name.')
        return _hub_folder(_with_revision(repository, revision))
    path, repository = _as_path(name), _parse_repository(name, repo_type)
    if repository is None:
        return _existing_folder(path, revision)
    if _answers(path.is_dir):
        raise HubError(
            f'"{name}" is a folder here and could also be a repository on the Hub. '
            f"Write {_LOCAL_PREFIX}{name} for the folder or {_HUB_PREFIX}{name} for the Hub."
        )
    return _hub_folder(_with_revision(repository, revision))


def _public_repository(name: str, repo_type: RepoType) -> _Repository:
    """The repository of a stranger's words; whether they name a folder as well is nobody's business."""
    repository = _parse_repository(name.removeprefix(_HUB_PREFIX), repo_type)
    if repository is None:
        raise HubError(
            f'"{name}" is not the name of a Hub repository, and this page is public: it takes nothing else. '
            "Name a public repository as owner/name."
        )
    return repository


def _as_path(text: str) -> Path:
    if not text:
        raise HubError("The name is empty. Give a checkpoint folder, or a Hub repository as owner/name.")
    try:
        return Path(text).expanduser()
    except RuntimeError:  # "~somebody" without such a user
        return Path(text)


def _answers(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a name that is too long, or a parent that may not be read
        return False


def _existing_folder(path: Path, revision: str | None) -> Path:
    if _answers(path.is_file):
        raise HubError(f'"{path}" is a file. Give the folder that holds it.')
    if not _answers(path.is_dir):
        raise HubError(f'There is no folder "{path}". Give an existing folder, or a Hub repository as owner/name.')
    if revision is not None:
        raise HubError(f'"{path}" is a folder here and has no revisions. Leave out the revision "{revision}".')
    return path


def _parse_repository(name: str, repo_type: RepoType) -> _Repository | None:
    repo_id, at, revision = name.partition("@")
    if repo_id.count("/") != 1 or (at and not revision):
        return None
    try:
        validate_repo_id(repo_id)
    except HFValidationError:
        return None
    return _Repository(repo_id, revision or None, repo_type)


def _with_revision(repository: _Repository, revision: str | None) -> _Repository:
    if revision is None or revision == repository.revision:
        return repository
    if repository.revision is not None:
        raise HubError(f'"{repository}" already names a revision, and "{revision}" is another. Give one of them.')
    return repository._replace(revision=revision)


def _hub_folder(repository: _Repository) -> Path:
    try:
        folder = _download(repository)
    except REFUSALS as error:
        raise HubError(_refusal_message(repository, error)) from error
    except FAILURES as error:
        folder = _cached(repository, error)
    if not folder.is_dir():
        raise HubError(f"The Hub repository {repository} holds no file of ours ({_patterns(repository)}).")
    return folder


def _download(repository: _Repository) -> Path:
    # snapshot_download asks the same first but without a time limit: behind a silent firewall it would wait for ever.
    api = HfApi(token=_token())
    look = api.dataset_info if repository.repo_type == "dataset" else api.model_info
    info = look(
        repository.repo_id,
        revision=repository.revision,
        timeout=constants.HF_HUB_ETAG_TIMEOUT,
        files_metadata=True,
    )
    _check_files(repository, info.siblings or [])
    return _snapshot(repository, cached=False)


def _check_files(repository: _Repository, files: Sequence[RepoSibling]) -> None:
    """Refuse what is too large, and weights that are a pickle alone, before anything is fetched."""
    patterns = list(FILE_PATTERNS[repository.repo_type])
    wanted = list(filter_repo_objects(files, allow_patterns=patterns, key=lambda file: file.rfilename))
    names = [file.rfilename for file in files]
    pickle = next((name for name in names if name.lower().endswith(PICKLES)), None)
    if pickle is not None and not any(file.rfilename.endswith((".safetensors", ".parquet")) for file in wanted):
        raise HubError(
            f"The Hub repository {repository} holds {pickle}, a pickle, and no safetensors. Loading a pickle can run "
            "any code, so it is not loaded: ask for a safetensors version."
        )
    for file in wanted:
        if file.rfilename.endswith(".json") and (file.size or 0) > MAX_JSON_BYTES:
            raise HubError(
                f"{file.rfilename} of the Hub repository {repository} has {file.size:,} bytes, where at most "
                f"{MAX_JSON_BYTES:,} make sense. Choose another repository."
            )
    total, limit = sum(file.size or 0 for file in wanted), MAX_BYTES[repository.repo_type]
    if total > limit:
        raise HubError(
            f"The Hub repository {repository} would fetch {total:,} bytes; at most {limit:,} are fetched. "
            "Download it yourself and name the folder, or choose another repository."
        )


def _snapshot(repository: _Repository, *, cached: bool) -> Path:
    return Path(
        snapshot_download(
            repository.repo_id,
            repo_type=repository.repo_type,
            revision=repository.revision,
            allow_patterns=list(FILE_PATTERNS[repository.repo_type]),
            etag_timeout=constants.HF_HUB_ETAG_TIMEOUT,
            local_files_only=cached,
            token=_token(),
        )
    )


def _token() -> Literal[False] | None:
    """None lets the client find the token of this machine; on a public page none is sent."""
    return False if is_public() else None


def _patterns(repository: _Repository) -> str:
    return ", ".join(FILE_PATTERNS[repository.repo_type])


def _cached(repository: _Repository, error: Exception) -> Path:
    reason = failure_reason(error)
    try:
        folder = _snapshot(repository, cached=True)
    except LocalEntryNotFoundError:
        raise HubError(
            f"{repository} could not be fetched from the Hub: {reason}. It is not in the cache of this machine "
            "either. Try again when connected, or give a folder."
        ) from error
    _logger.warning("%s could not be fetched from the Hub (%s): using the cached copy.", repository, reason)
    return folder


def _refusal_message(repository: _Repository, error: Exception) -> str:
    if isinstance(error, GatedRepoError):
        return (
            f"The Hub repository {repository.repo_id} is gated. Accept its terms on its page, "
            "then log in with `hf auth login` or set HF_TOKEN."
        )
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"There is no {_WORDS[repository.repo_type]} {repository.repo_id} on the Hub, or it is private. Check the "
            "spelling; for a private one log in with `hf auth login` or set HF_TOKEN."
        )
    if isinstance(error, RevisionNotFoundError):
        return (
            f"The Hub repository {repository.repo_id} has no revision {repository.revision or 'main'}. "
            "Give a branch, tag or commit that its page lists."
        )
    return f"The Hub repository {repository} lists a file that it does not hold. Try again, or tell its owner."
