"""What the stand-in Hub keeps: repositories with their commits, in a folder that can be looked at.

objects/<sha256>                       every content, once
models|datasets|spaces/<owner>/<name>/repository.json
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

KINDS = ("models", "datasets", "spaces")
STATE = "repository.json"
LARGE_FILES = (".safetensors", ".parquet", ".bin", ".pt", ".png", ".webp", ".jpg")
LARGE_BYTES = 10_000_000
GIT_ATTRIBUTES = "".join(f"*{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LARGE_FILES)

Files = dict[str, bytes]


class HubAnswerError(Exception):
    """An error as the Hub puts it: a status, a code in the header X-Error-Code, and words."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(message or code)
        self.status = status
        self.code = code
        self.message = message or code


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(path: str, size: int = 0) -> bool:
    """Whether a file goes to the store of large files."""
    return path.endswith(LARGE_FILES) or size > LARGE_BYTES


def read_folder(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Objects:
    """Contents by their SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, content: bytes) -> str:
        digest = sha256(content)
        (self.folder / digest).write_bytes(content)
        return digest

    def __contains__(self, digest: str) -> bool:
        return re.fullmatch("[0-9a-f]{64}", digest) is not None and (self.folder / digest).is_file()

    def read(self, digest: str) -> bytes:
        if digest not in self:
            raise HubAnswerError(404)
        return (self.folder / digest).read_bytes()


@dataclass(frozen=True)
class Entry:
    """One file of a commit; `oid` is the git blob's, or of a large file its SHA-256."""

    digest: str
    size: int
    oid: str
    large: bool


@dataclass
class Commit:
    """A whole tree, and how it came to be."""

    parent: str | None
    title: str
    message: str
    author: str
    date: str
    files: dict[str, Entry]


@dataclass
class SpaceState:
    """What a Space is set to, and what it will answer to one question after another about its stage."""

    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    hardware: str = "cpu-basic"
    requested_hardware: str | None = None
    sleep_time: int | None = None
    volumes: list[dict[str, Any]] = field(default_factory=list)
    stages: list[str] = field(default_factory=lambda: ["NO_APP_FILE"])
    after_commit: list[str] = field(default_factory=lambda: ["BUILDING", "APP_STARTING", "RUNNING"])
    error: str | None = None


class Repository:
    """Commits and the names that point to them.

    Attributes:
        refs: branch or tag to commit.
        commits: by their hashes.
        access: "private" is answered like a repository that does not exist to whoever may not see it, as the Hub does.
        lost: paths that are listed but cannot be fetched.
        sdk: of a Space.
        space: settings of a Space.
    """

    def __init__(self, folder: Path, objects: Objects, sdk: str | None = None) -> None:
        self.folder = folder
        self.objects = objects
        self.sdk = sdk
        self.access = "public"
        self.lost: set[str] = set()
        self.refs: dict[str, str] = {}
        self.commits: dict[str, Commit] = {}
        self.space = SpaceState()

    @classmethod
    def read(cls, folder: Path, objects: Objects) -> Repository:
        state = json.loads((folder / STATE).read_text("utf-8"))
        repository = cls(folder, objects, state["sdk"])
        repository.access, repository.refs = state["access"], state["refs"]
        repository.space = SpaceState(**state["space"])
        for oid, commit in state["commits"].items():
            files = {path: Entry(**entry) for path, entry in commit.pop("files").items()}
            repository.commits[oid] = Commit(**commit, files=files)
        return repository

    def save(self) -> None:
        state = {
            "sdk": self.sdk,
            "access": self.access,
            "refs": self.refs,
            "space": asdict(self.space),
            "commits": {oid: asdict(commit) for oid, commit in self.commits.items()},
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / "repository.tmp"
        temporary.write_text(json.dumps(state, indent=1), "utf-8")
        temporary.replace(self.folder / STATE)

    def entry(self, path: str, content: bytes, *, may_be_large: bool = True) -> Entry:
        digest, large = self.objects.add(content), may_be_large and is_large(path, len(content))
        return Entry(digest, len(content), digest if large else git_blob_id(content), large)

    def commit(self, files: Files, ref: str = "main", title: str = "Upload") -> str:
        """Let `ref` point to a new commit that holds just `files`; return its hash."""
        return self.add_commit({path: self.entry(path, content) for path, content in files.items()}, ref, title)

    def add_commit(
        self, files: dict[str, Entry], ref: str, title: str, message: str = "", author: str = "somebody"
    ) -> str:
        parent = self.refs.get(ref)
        tree = json.dumps([(path, entry.digest) for path, entry in sorted(files.items())])
        oid = hashlib.sha1(f"{len(self.commits)} {parent} {title} {tree}".encode()).hexdigest()
        date = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.commits[oid] = Commit(parent, title, message, author, date, dict(sorted(files.items())))
        self.refs[ref] = oid
        self.space.stages = list(self.space.after_commit)
        self.save()
        return oid

    def resolve(self, revision: str) -> str:
        commit = self.refs.get(revision, revision)
        if commit not in self.commits:
            raise HubAnswerError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    def files(self, revision: str = "main") -> dict[str, Entry]:
        return self.commits[self.resolve(revision)].files

    def content(self, path: str, revision: str = "main") -> bytes:
        return self.objects.read(self.files(revision)[path].digest)

    def history(self, revision: str) -> list[str]:
        """Hashes of a commit and of all before it, newest first."""
        oids = [self.resolve(revision)]
        while (parent := self.commits[oids[-1]].parent) is not None:
            oids.append(parent)
        return oids


class Store:
    """All repositories, by kind and id; those of the folder are there again when it is opened anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects = Objects(folder / "objects")
        self._repositories: dict[tuple[str, str], Repository] = {}
        for kind in KINDS:
            for state in (folder / kind).glob(f"*/*/{STATE}"):
                repo_id = state.parent.relative_to(folder / kind).as_posix()
                self._repositories[kind, repo_id] = Repository.read(state.parent, self.objects)

    def find(self, kind: str, repo_id: str) -> Repository | None:
        return self._repositories.get((kind, repo_id))

    def create(self, kind: str, repo_id: str, sdk: str | None = None) -> Repository:
        """A new repository with the first commit that the Hub makes in each."""
        repository = Repository(self.folder / kind / repo_id, self.objects, sdk)
        self._repositories[kind, repo_id] = repository
        files = {".gitattributes": GIT_ATTRIBUTES.encode()}
        if kind == "spaces":
            files["README.md"] = f"---\nsdk: {sdk}\n---\n".encode()
        repository.commit(files, title="initial commit")
        repository.space.stages = ["NO_APP_FILE"]
        repository.save()
        return repository

    def delete(self, kind: str, repo_id: str) -> None:
        repository = self._repositories.pop((kind, repo_id))
        shutil.rmtree(repository.folder)
