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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import filter_repo_objects

from anime_models._hub_failures import FAILURES, REFUSALS, failure_reason
from anime_models._hub_names import (
    PUBLIC,
    Repository,
    RepoType,
    check_names,
    is_public,
    otherwise,
    parse_repository,
    refusal_message,
)
from anime_models.errors import CheckpointError, HubError, RecordError

__all__ = [
    "FILE_PATTERNS",
    "MAX_BYTES",
    "MAX_FILES",
    "PICKLES",
    "PUBLIC",
    "RepoType",
    "is_public",
    "loading_from",
    "local_folder",
]

# By type of repository: which files are fetched, and how many bytes of them at most.
FILE_PATTERNS: dict[RepoType, tuple[str, ...]] = {
    "model": ("*.safetensors", "*.json", "*.jsonl", "*.md", "*.parquet", "*.webp"),
    "dataset": ("*.parquet", "*.json", "*.jsonl", "*.md", "*.png", "*.jpg", "*.jpeg", "*.webp"),
}
MAX_BYTES: dict[RepoType, int] = {"model": 2_000_000_000, "dataset": 20_000_000_000}
MAX_FILES: dict[RepoType, int] = {"model": 2_000, "dataset": 200_000}
MAX_JSON_BYTES = 10_000_000
PICKLES = (".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth")

_LOCAL_PREFIX = "local-dir:"
_HUB_PREFIX = "hf-hub:"

_logger = logging.getLogger(__name__)


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
    return _located(source, revision, repo_type)[0]


@contextmanager
def loading_from(source: str | Path) -> Iterator[Path]:
    """The folder of `local_folder`, to load a model from: errors name the repository, not where its copy lies.

    Raises:
        HubError: as `local_folder` does.
    """
    folder, repository = _located(source, None, "model")
    try:
        yield folder
    except (CheckpointError, RecordError) as error:
        if repository is None:
            raise
        raise type(error)(str(error).replace(str(folder), str(repository))) from error


def _located(source: str | Path, revision: str | None, repo_type: RepoType) -> tuple[Path, Repository | None]:
    """The folder of a source, and the repository that it was fetched from, if any."""
    repository = None if isinstance(source, Path) else _repository_of(source.strip(), repo_type)
    if repository is None:
        path = source if isinstance(source, Path) else _as_path(source.strip().removeprefix(_LOCAL_PREFIX))
        return _existing_folder(path, revision), None
    repository = repository.at(revision)
    return _hub_folder(repository), repository


def _repository_of(name: str, repo_type: RepoType) -> Repository | None:
    """The repository that a name stands for; None where it is that of a folder."""
    if name.startswith(_LOCAL_PREFIX) and not is_public():
        return None
    repository = parse_repository(name.removeprefix(_HUB_PREFIX), repo_type)
    if is_public():
        # Whether a stranger's words name a folder as well is nobody's business.
        if repository is None:
            raise HubError(
                f'"{name}" is not the name of a Hub repository, and this page is public: it takes nothing else. '
                "Name a public repository as owner/name."
            )
    elif name.startswith(_HUB_PREFIX):
        if repository is None:
            raise HubError(f'"{name}" is not the name of a Hub repository. Write it as {_HUB_PREFIX}owner/name.')
    elif repository is not None and _answers(_as_path(name).is_dir):
        raise HubError(
            f'"{name}" is a folder here and could also be a repository on the Hub. '
            f"Write {_LOCAL_PREFIX}{name} for the folder or {_HUB_PREFIX}{name} for the Hub."
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


def _hub_folder(repository: Repository) -> Path:
    try:
        folder = _download(repository)
    except REFUSALS as error:
        raise HubError(refusal_message(repository, error)) from error
    except FAILURES as error:
        folder = _cached(repository, error)
    if not folder.is_dir():
        raise HubError(f"The Hub repository {repository} holds no file of ours ({_patterns(repository)}).")
    return folder


def _download(repository: Repository) -> Path:
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
    # Just what was checked, and whole before the branch's name leads to it: when the download breaks, the copy of an
    # older commit still serves.
    folder = _snapshot(repository._replace(revision=info.sha), cached=False)
    _snapshot(repository, cached=False)
    return folder


def _check_files(repository: Repository, files: Sequence[RepoSibling]) -> None:
    """Refuse what is too large, and weights that are a pickle alone, before anything is fetched."""
    patterns = list(FILE_PATTERNS[repository.repo_type])
    wanted = list(filter_repo_objects(files, allow_patterns=patterns, key=lambda file: file.rfilename))
    names = [file.rfilename for file in files]
    check_names(repository, names)
    pickle = next((name for name in names if name.lower().endswith(PICKLES)), None)
    if pickle is not None and not any(file.rfilename.endswith((".safetensors", ".parquet")) for file in wanted):
        raise HubError(
            f"The Hub repository {repository} holds {pickle}, a pickle, and no safetensors. Loading a pickle can run "
            "any code, so it is not loaded: ask for a safetensors version."
        )
    for file in wanted:
        if file.size is None:
            raise HubError(
                f"The Hub does not say how large {file.rfilename} of {repository} is, so it is not fetched. "
                f"{otherwise('Try again later')}"
            )
        if file.rfilename.endswith(".json") and file.size > MAX_JSON_BYTES:
            raise HubError(
                f"{file.rfilename} of the Hub repository {repository} has {file.size:,} bytes, where at most "
                f"{MAX_JSON_BYTES:,} make sense. Choose another repository."
            )
    total, limit, most_files = (
        sum(file.size or 0 for file in wanted),
        MAX_BYTES[repository.repo_type],
        MAX_FILES[repository.repo_type],
    )
    if total > limit or len(wanted) > most_files:
        raise HubError(
            f"The Hub repository {repository} would fetch {total:,} bytes in {len(wanted):,} files; at most {limit:,} "
            f"in {most_files:,} are fetched. {otherwise('Download it yourself and name the folder')}"
        )


def _snapshot(repository: Repository, *, cached: bool) -> Path:
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


def _patterns(repository: Repository) -> str:
    return ", ".join(FILE_PATTERNS[repository.repo_type])


def _cached(repository: Repository, error: Exception) -> Path:
    reason = failure_reason(error)
    try:
        folder = _snapshot(repository, cached=True)
    except LocalEntryNotFoundError:
        raise HubError(
            f"{repository} could not be fetched from the Hub: {reason}. It is not in the cache of this machine "
            f"either. {otherwise('Try again when connected, or give a folder')}"
        ) from error
    _logger.warning("%s could not be fetched from the Hub (%s): using the cached copy.", repository, reason)
    return folder
