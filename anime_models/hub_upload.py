"""A folder to the Hugging Face Hub: everything in one commit, or nothing.

Large files go first and stay in the Hub's store when the upload breaks, so that a second try sends what is missing;
only then one commit makes all of it visible. It names the commit that it was prepared for, and is refused when somebody
else was faster.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError
from huggingface_hub.hf_api import DatasetInfo, ModelInfo, SpaceInfo
from huggingface_hub.utils import validate_repo_id

from anime_models._hub_failures import FAILURES, upload_problem
from anime_models.errors import HubError
from anime_models.hub import PICKLES

__all__ = [
    "Changes",
    "Published",
    "RemoteState",
    "UploadType",
    "changes_of",
    "create_repository",
    "failures_in_words",
    "files_to_publish",
    "push_folder",
    "remote_state",
]

UploadType = Literal["model", "dataset", "space"]

NOTHING = "Nothing was published."

# What the Hub itself puts into a new repository.
_FIRST_FILES = {".gitattributes", "README.md"}
_KEPT = {".gitattributes"}
_PIECE_BYTES = 1 << 20
_LEFT_OUT = {".git", ".cache", "__pycache__"}
_WORDS: dict[UploadType, str] = {"model": "model repository", "dataset": "data set", "space": "Space"}


@dataclass(frozen=True)
class RemoteState:
    """What a repository holds now.

    Attributes:
        exists: whether there is one that the token may see.
        parent: its last commit.
        files: paths and contents' ids: the SHA-256 of a large file, else the id of the git blob.
        is_new: whether nothing but the Hub's own first commit is in it.
    """

    exists: bool = False
    parent: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    is_new: bool = True


@dataclass(frozen=True)
class Changes:
    """What a commit would do, by path."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether the repository holds all of it already."""
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True)
class Published:
    """Where it is now: the address of the repository, its last commit, and what that changed."""

    url: str
    commit: str
    changes: Changes


def remote_state(repo_id: str, repo_type: UploadType = "model") -> RemoteState:
    """Look at a repository.

    Raises:
        HubError: the name is none, or the Hub cannot be asked.
    """
    with failures_in_words(repo_id, NOTHING):
        return _state(_checked(repo_id), repo_type)


def changes_of(folder: Path, state: RemoteState, *, mirror: bool = True) -> Changes:
    """Compare a folder with what a repository holds.

    Args:
        folder: what is to be published.
        state: of the repository.
        mirror: whether files that the folder lacks are to go.

    Raises:
        HubError: the folder holds a pickle, a link, or nothing.
    """
    files = files_to_publish(folder)
    added = tuple(path for path in files if path not in state.files)
    unchanged = tuple(path for path in files if path in state.files and _is_same(files[path], state.files[path]))
    changed = tuple(path for path in files if path in state.files and path not in unchanged)
    removed = tuple(path for path in state.files if mirror and path not in files and path not in _KEPT)
    return Changes(added, changed, removed, unchanged)


def push_folder(
    folder: Path,
    repo_id: str,
    *,
    repo_type: UploadType = "model",
    message: str,
    update: bool = False,
    mirror: bool = True,
    private: bool = False,
    parent: str | None = None,
    space_sdk: str | None = None,
) -> Published:
    """Publish a folder as one commit on the branch "main".

    Args:
        folder: what the repository is to hold.
        repo_id: ``owner/name``; created if there is none.
        repo_type: what it is.
        message: first line of the commit's description.
        update: whether a repository that holds something already may be changed.
        mirror: whether files that the folder lacks are taken out of the repository.
        private: whether a new repository is.
        parent: the commit that the change was prepared for; None is the last one when this function is called.
        space_sdk: of a new Space.

    Raises:
        HubError: nothing was published; the message says why and what to do.
    """
    with failures_in_words(repo_id, NOTHING):
        state = _state(_checked(repo_id), repo_type)
        if not state.exists:
            files_to_publish(folder)
            state = create_repository(repo_id, repo_type, private=private, space_sdk=space_sdk)
        changes = changes_of(folder, state, mirror=mirror)
        api, url = HfApi(), _url(repo_id, repo_type)
        if changes.is_nothing:
            return Published(url, state.parent or "", changes)
        _may_write(api, repo_id)
        if not (state.is_new or update):
            raise HubError(
                f"There is a {_WORDS[repo_type]} {repo_id} already. Say that it is to be updated (--update), or choose "
                "another name. Nothing was published."
            )
        if parent is not None and parent != state.parent:
            raise HubError(
                f"{repo_id} is at commit {state.parent}, not at {parent}: somebody changed it meanwhile. Look at the "
                "new commit, then run the command again without the old one. Nothing was published."
            )
        commit = _commit(api, folder, repo_id, repo_type, message, changes, state.parent)
        return Published(url, commit, changes)


def create_repository(
    repo_id: str, repo_type: UploadType, *, private: bool = False, space_sdk: str | None = None
) -> RemoteState:
    """Make a repository and return what the Hub put into it.

    Raises:
        HubError: the name is taken, or the token may not.
    """
    with failures_in_words(repo_id, NOTHING):
        api = HfApi()
        _may_write(api, repo_id)
        api.create_repo(
            repo_id, repo_type=repo_type, visibility="private" if private else "public", space_sdk=space_sdk
        )
        return _state(repo_id, repo_type)


def _state(repo_id: str, repo_type: UploadType) -> RemoteState:
    api = HfApi()
    look: dict[UploadType, Callable[..., ModelInfo | DatasetInfo | SpaceInfo]]
    look = {"model": api.model_info, "dataset": api.dataset_info, "space": api.space_info}
    try:
        info = look[repo_type](repo_id, files_metadata=True, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except RepositoryNotFoundError:
        return RemoteState()
    files = {file.rfilename: file.lfs.sha256 if file.lfs else str(file.blob_id) for file in info.siblings or []}
    is_new = set(files) <= _FIRST_FILES and len(api.list_repo_commits(repo_id, repo_type=repo_type)) <= 1
    return RemoteState(True, info.sha, files, is_new)


def _commit(
    api: HfApi, folder: Path, repo_id: str, repo_type: UploadType, message: str, changes: Changes, parent: str | None
) -> str:
    """Upload the large files, then commit; returns the commit."""
    additions = [CommitOperationAdd(path, folder / path) for path in (*changes.added, *changes.changed)]
    api.preupload_lfs_files(repo_id, additions, repo_type=repo_type, free_memory=False)
    removals = [CommitOperationDelete(path, is_folder=False) for path in changes.removed]
    try:
        with warnings.catch_warnings():
            # The client wonders about tables beside a Space's code; records bring theirs.
            warnings.filterwarnings("ignore", message="It seems that you are about to commit a data file")
            made = api.create_commit(
                repo_id, [*removals, *additions], commit_message=message, repo_type=repo_type, parent_commit=parent
            )
    except httpx2.TransportError:
        # The answer was lost, which does not mean that the commit was.
        state = _state(repo_id, repo_type)
        if changes_of(folder, state, mirror=False).is_nothing and not set(changes.removed) & set(state.files):
            return state.parent or ""
        raise
    return str(made.oid)


def _may_write(api: HfApi, repo_id: str) -> None:
    """Refuse early what the Hub would refuse in the middle."""
    user = api.whoami()
    names = [user["name"], *(organisation["name"] for organisation in user.get("orgs", []))]
    if repo_id.partition("/")[0] not in names:
        raise HubError(
            f"The token is {user['name']}'s, who may publish as {' or '.join(names)}, not as "
            f"{repo_id.partition('/')[0]}. Choose one of these owners, or use another token. Nothing was published."
        )
    if user.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise HubError(
            f"The token of {user['name']} may only read. Make one that may write at "
            f"{constants.ENDPOINT}/settings/tokens and set HF_TOKEN to it. Nothing was published."
        )


def files_to_publish(folder: Path) -> dict[str, Path]:
    """The files of a folder by their paths in the repository, sorted; those of version control and caches are no part.

    Raises:
        HubError: there is none, or one is a pickle or a link.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if set(path.relative_to(folder).parts) & _LEFT_OUT:
            continue
        if path.is_symlink():
            raise HubError(f"{name} in {folder} is a link. Put the file or folder itself there.")
        if path.is_dir():
            continue
        if name.lower().endswith(PICKLES):
            raise HubError(f"{name} in {folder} is a pickle, which can run any code when it is loaded. Take it out.")
        files[name] = path
    if not files:
        raise HubError(f"{folder} holds no files. Name the folder that is to be published.")
    return files


def _is_same(path: Path, content_id: str) -> bool:
    is_large = len(content_id) == 64
    digest = hashlib.sha256() if is_large else hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest() == content_id


def _checked(repo_id: str) -> str:
    try:
        validate_repo_id(repo_id)
    except HFValidationError:
        repo_id = ""
    if repo_id.count("/") != 1:
        raise HubError("This is not the name of a repository on the Hub. Write it as owner/name.")
    return repo_id


def _url(repo_id: str, repo_type: UploadType) -> str:
    return f"{constants.ENDPOINT}/{constants.REPO_TYPES_URL_PREFIXES.get(repo_type, '')}{repo_id}"


@contextmanager
def failures_in_words(repo_id: str, outcome: str) -> Iterator[None]:
    """Turn the client's errors into a `HubError` that says what to do.

    Args:
        repo_id: what was to be changed.
        outcome: how things stand after a failure, as a sentence.
    """
    try:
        yield
    except (HfHubHTTPError, RuntimeError, *FAILURES) as error:
        raise HubError(f"{upload_problem(error, repo_id)} {outcome}") from error
