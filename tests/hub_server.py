"""A stand-in for the Hugging Face Hub: a real HTTP server on this machine that answers as its download part does.

Paths, headers and error codes are those that the installed `huggingface_hub` asks for and reads. Small text files are
served as git blobs; safetensors and Parquet as large files, through a redirect to a content-addressed store.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]
LARGE_FILES = (".safetensors", ".parquet")


class HubAnswerError(Exception):
    """An error as the Hub puts it: a status, and a code in the header X-Error-Code."""

    def __init__(self, status: int, code: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass
class Repository:
    """Commits and the names that point to them.

    Attributes:
        refs: branch or tag to commit.
        commits: commit to its files.
        access: "private" is answered like a repository that does not exist, as the Hub does.
        lost: paths that are listed but cannot be fetched.
    """

    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Files] = field(default_factory=dict)
    access: Literal["public", "gated", "private"] = "public"
    lost: set[str] = field(default_factory=set)

    def commit(self, files: Files, ref: str = "main") -> str:
        """Let `ref` point to a new commit that holds just `files`; return its hash."""
        tree = json.dumps([(path, sha256(content)) for path, content in sorted(files.items())])
        commit = hashlib.sha1(f"{len(self.commits)} {tree}".encode()).hexdigest()
        self.commits[commit] = files
        self.refs[ref] = commit
        return commit

    def resolve(self, revision: str) -> str:
        commit = self.refs.get(revision, revision)
        if commit not in self.commits:
            raise HubAnswerError(404, "RevisionNotFound")
        return commit


class HubServer:
    """The server, running in a thread while the context is entered.

    Attributes:
        repositories: by id; datasets and spaces carry their prefix ("datasets/owner/name").
        requests: "METHOD /path" of every request so far.
        failure: a status that every request gets instead of its answer, or None.
        silent: accept requests and leave them unanswered, as a firewall does.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[str] = []
        self.failure: int | None = None
        self.silent = False
        self.closing = threading.Event()
        self._http = _HttpServer(("127.0.0.1", 0), _Handler)
        self._http.hub = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def add(self, repo_id: str, folder: Path) -> Repository:
        """Publish the files of `folder` as the branch "main" of a new repository."""
        repository = Repository()
        repository.commit(read_folder(folder))
        self.repositories[repo_id] = repository
        return repository

    def downloads(self) -> set[str]:
        """Paths of the files that were downloaded, not only asked about."""
        found = (re.match(r"GET .*/resolve/[^/]+/(.+)", request) for request in self.requests)
        return {match[1] for match in found if match}

    def close(self) -> None:
        """Stop answering: from now on connections are refused."""
        if not self.closing.is_set():
            self.closing.set()
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()

    def __enter__(self) -> "HubServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_folder(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _HttpServer(ThreadingHTTPServer):
    hub: HubServer


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer

    ROUTES: ClassVar[list[tuple[str, str]]] = [
        (r"/api/(models|datasets|spaces)/([^/]+/[^/]+)(?:/revision/([^/]+))?", "send_info"),
        (r"/api/(models|datasets|spaces)/([^/]+/[^/]+)/tree/([^/]+)", "send_tree"),
        (r"/api/(models|datasets|spaces)/([^/]+/[^/]+)/refs", "send_refs"),
        (r"/store/([0-9a-f]{64})", "send_stored"),
        (r"/(?:(datasets|spaces)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "send_file"),
    ]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        hub = self.server.hub
        hub.requests.append(f"{self.command} {unquote(path)}")
        if hub.silent:
            hub.closing.wait()
            return
        try:
            if hub.failure is not None:
                raise HubAnswerError(hub.failure)
            answer, parts = self._route(path)
            answer(*parts)
        except HubAnswerError as error:
            self._send(error.status, headers={"X-Error-Code": error.code, "X-Error-Message": error.code})

    def do_HEAD(self) -> None:
        self.do_GET()

    def _route(self, path: str) -> tuple[Callable[..., None], list[str | None]]:
        for pattern, answer in self.ROUTES:
            if match := re.fullmatch(pattern, path):
                return getattr(self, answer), [part and unquote(part) for part in match.groups()]
        raise HubAnswerError(404)

    def send_info(self, kind: str, repo_id: str, revision: str | None) -> None:
        repository = self._repository(kind, repo_id)
        commit = repository.resolve(revision or "main")
        siblings = [{"rfilename": path} for path in sorted(repository.commits[commit])]
        gated = "manual" if repository.access == "gated" else False
        self._send_json({"id": repo_id, "sha": commit, "private": False, "gated": gated, "siblings": siblings})

    def send_tree(self, kind: str, repo_id: str, revision: str) -> None:
        repository = self._repository(kind, repo_id, reading=True)
        files = repository.commits[repository.resolve(revision)]
        self._send_json([_tree_entry(path, content) for path, content in sorted(files.items())])

    def send_refs(self, kind: str, repo_id: str) -> None:
        refs = self._repository(kind, repo_id).refs
        branches = [{"name": name, "ref": f"refs/heads/{name}", "targetCommit": refs[name]} for name in sorted(refs)]
        self._send_json({"branches": branches, "tags": [], "converts": []})

    def send_file(self, kind: str | None, repo_id: str, revision: str, path: str) -> None:
        repository = self._repository(kind or "models", repo_id, reading=True)
        commit = repository.resolve(revision)
        if path in repository.lost or path not in repository.commits[commit]:
            raise HubAnswerError(404, "EntryNotFound")
        content = repository.commits[commit][path]
        headers = {"X-Repo-Commit": commit}
        if not path.endswith(LARGE_FILES):
            self._send(200, content, headers | {"ETag": f'"{git_blob_id(content)}"'})
            return
        digest = sha256(content)
        # Another host name than the server's own: the client tells the store from the Hub by it.
        location = f"http://localhost:{self.server.server_port}/store/{digest}"
        headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content)), "Location": location}
        self._send(302, headers=headers)

    def send_stored(self, digest: str) -> None:
        for repository in self.server.hub.repositories.values():
            for files in repository.commits.values():
                for content in files.values():
                    if sha256(content) == digest:
                        self._send(200, content, {"ETag": f'"{digest}"'})
                        return
        raise HubAnswerError(404)

    def _repository(self, kind: str, repo_id: str, *, reading: bool = False) -> Repository:
        repository = self.server.hub.repositories.get(repo_id if kind == "models" else f"{kind}/{repo_id}")
        if repository is None or repository.access == "private":
            raise HubAnswerError(401, "RepoNotFound")
        if reading and repository.access == "gated":
            raise HubAnswerError(403, "GatedRepo")
        return repository

    def _send_json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output quiet."""


def _tree_entry(path: str, content: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": git_blob_id(content)}
    if path.endswith(LARGE_FILES):
        entry["lfs"] = {"oid": sha256(content), "size": len(content), "pointerSize": 134}
    return entry
