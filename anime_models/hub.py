"""Where a checkpoint comes from: a folder on this machine, or a model repository on the Hugging Face Hub.

A source is written as one of::

    runs/best/checkpoint          an existing folder
    local-dir:runs/best           the same, said explicitly
    owner/name                    a repository on the Hub, its branch "main"
    owner/name@revision           the same, at a branch, a tag or a commit
    hf-hub:owner/name@revision    the same, said explicitly

Only files of our own formats (`FILE_PATTERNS`) are fetched. Pickles never are: loading one can run any code.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx2
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetDownloadError,
)
from huggingface_hub.utils import validate_repo_id

from anime_models.errors import HubError

__all__ = ["FILE_PATTERNS", "local_folder"]

FILE_PATTERNS = ("*.safetensors", "*.json", "*.md", "*.parquet")

_LOCAL_PREFIX = "local-dir:"
_HUB_PREFIX = "hf-hub:"

# The Hub answered, and the answer is no: a copy in the cache would hide that.
_REFUSALS = (RepositoryNotFoundError, RevisionNotFoundError, RemoteEntryNotFoundError)
# The Hub or the way to it is down, or what answers is no Hub (a login page of a network): a cached copy will do.
_FAILURES = (httpx2.HTTPError, EntryNotFoundError, XetDownloadError, OSError, ValueError)

_logger = logging.getLogger(__name__)


class _Repository(NamedTuple):
    repo_id: str
    revision: str | None

    def __str__(self) -> str:
        return self.repo_id if self.revision is None else f"{self.repo_id}@{self.revision}"


def local_folder(source: str | Path, revision: str | None = None) -> Path:
    """Return the local folder that `source` stands for, fetching it from the Hub where needed.

    Args:
        source: a folder, or a Hub repository as the module's docstring writes them. A `Path` is always a folder.
        revision: branch, tag or commit of a Hub repository; the same as writing ``owner/name@revision``.

    Returns:
        An existing folder. One that came from the Hub lies in the Hub's cache: read it, never write to it.
        When the Hub cannot be reached, the last fetched copy of the same revision is returned.

    Raises:
        HubError: there is no such folder, repository or revision, the name can be read in two ways, or the Hub
            cannot be reached and nothing is cached. The message says which and what to do.
    """
    if isinstance(source, Path):
        return _existing_folder(source, revision)
    name = source.strip()
    if name.startswith(_LOCAL_PREFIX):
        return _existing_folder(_as_path(name.removeprefix(_LOCAL_PREFIX)), revision)
    if name.startswith(_HUB_PREFIX):
        repository = _parse_repository(name.removeprefix(_HUB_PREFIX))
        if repository is None:
            raise HubError(f'"{name}" is not the name of a Hub repository. Write it as {_HUB_PREFIX}owner/name.')
        return _hub_folder(_with_revision(repository, revision))
    path, repository = _as_path(name), _parse_repository(name)
    if repository is None:
        return _existing_folder(path, revision)
    if _answers(path.is_dir):
        raise HubError(
            f'"{name}" is a folder here and could also be a repository on the Hub. '
            f"Write {_LOCAL_PREFIX}{name} for the folder or {_HUB_PREFIX}{name} for the Hub."
        )
    return _hub_folder(_with_revision(repository, revision))


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


def _parse_repository(name: str) -> _Repository | None:
    repo_id, at, revision = name.partition("@")
    if repo_id.count("/") != 1 or (at and not revision):
        return None
    try:
        validate_repo_id(repo_id)
    except HFValidationError:
        return None
    return _Repository(repo_id, revision or None)


def _with_revision(repository: _Repository, revision: str | None) -> _Repository:
    if revision is None or revision == repository.revision:
        return repository
    if repository.revision is not None:
        raise HubError(f'"{repository}" already names a revision, and "{revision}" is another. Give one of them.')
    return repository._replace(revision=revision)


def _hub_folder(repository: _Repository) -> Path:
    try:
        folder = _download(repository)
    except _REFUSALS as error:
        raise HubError(_refusal_message(repository, error)) from error
    except _FAILURES as error:
        folder = _cached(repository, error)
    if not folder.is_dir():
        raise HubError(
            f"The Hub repository {repository} holds no file of ours ({', '.join(FILE_PATTERNS)}). "
            "Weights in .bin, .pt or .ckpt files are pickles and are not loaded: ask for a safetensors version."
        )
    return folder


def _download(repository: _Repository) -> Path:
    # snapshot_download asks the same first but without a time limit: behind a silent firewall it would wait for ever.
    HfApi().model_info(repository.repo_id, revision=repository.revision, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    return _snapshot(repository, cached=False)


def _snapshot(repository: _Repository, *, cached: bool) -> Path:
    return Path(
        snapshot_download(
            repository.repo_id,
            revision=repository.revision,
            allow_patterns=list(FILE_PATTERNS),
            etag_timeout=constants.HF_HUB_ETAG_TIMEOUT,
            local_files_only=cached,
        )
    )


def _cached(repository: _Repository, error: Exception) -> Path:
    reason = _failure_reason(error)
    try:
        folder = _snapshot(repository, cached=True)
    except LocalEntryNotFoundError:
        raise HubError(
            f"{repository} could not be fetched from the Hub: {reason}. It is not in the cache of this machine "
            "either. Try again when connected, or give a checkpoint folder."
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
            f"There is no model repository {repository.repo_id} on the Hub, or it is private. Check the spelling; "
            "for a private one log in with `hf auth login` or set HF_TOKEN."
        )
    if isinstance(error, RevisionNotFoundError):
        return (
            f"The Hub repository {repository.repo_id} has no revision {repository.revision or 'main'}. "
            "Give a branch, tag or commit that its page lists."
        )
    return f"The Hub repository {repository} lists a file that it does not hold. Try again, or tell its owner."


def _failure_reason(error: BaseException) -> str:
    if isinstance(error, LocalEntryNotFoundError) and error.__cause__ is not None:
        return _failure_reason(error.__cause__)
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, httpx2.TimeoutException):
        return f"no answer within {constants.HF_HUB_ETAG_TIMEOUT} seconds"
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return f"it answered with status {status}" + (" (check HF_TOKEN)" if status in (401, 403) else "")
    if isinstance(error, ValueError):
        return f"what answers at {constants.ENDPOINT} is no Hub (a network's login page?)"
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
