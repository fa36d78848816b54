"""Answers to whoever looks and downloads."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

import yaml
from fastapi import APIRouter, Request, Response

from tests.hub_parts.access import Access, Part
from tests.hub_parts.store import Entry, HubAnswerError, Repository

FRONT_MATTER = re.compile(r"^---\n(.*?\n)---\n", re.DOTALL)
POINTER_BYTES = 134
RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def reading_routes(access: Access) -> APIRouter:
    """Routes for information about repositories, and for their files."""
    router = APIRouter()

    @router.get("/api/{kind}/{owner}/{name}")
    @router.get("/api/{kind}/{owner}/{name}/revision/{revision}")
    async def info(
        request: Request, kind: str, owner: str, name: str, revision: Part = "main", blobs: bool = False
    ) -> dict[str, Any]:
        repository = access.repository(request, kind, f"{owner}/{name}")
        return describe(repository, f"{owner}/{name}", repository.resolve(revision), blobs=blobs)

    @router.get("/api/{kind}/{owner}/{name}/tree/{revision}")
    @router.get("/api/{kind}/{owner}/{name}/tree/{revision}/{path:path}")
    async def tree(
        request: Request, kind: str, owner: str, name: str, revision: Part, path: Part = "", recursive: bool = False
    ) -> list[dict[str, Any]]:
        files = access.repository(request, kind, f"{owner}/{name}", reading=True).files(revision)
        inside = f"{path}/" if path else ""
        if path and not any(file.startswith(inside) for file in files):
            raise HubAnswerError(404, "EntryNotFound", f"{path} does not exist")
        below = {file: entry for file, entry in files.items() if file.startswith(inside)}
        folders = _folders(below, inside, recursive=recursive)
        shown = [listed(file, entry) for file, entry in below.items() if recursive or "/" not in file[len(inside) :]]
        return [*({"type": "directory", "path": folder, "size": 0, "oid": "0" * 40} for folder in folders), *shown]

    @router.post("/api/{kind}/{owner}/{name}/paths-info/{revision}")
    async def paths_info(request: Request, kind: str, owner: str, name: str, revision: Part) -> list[dict[str, Any]]:
        files = access.repository(request, kind, f"{owner}/{name}", reading=True).files(revision)
        asked = parse_qs((await request.body()).decode()).get("paths", [])
        folders = _folders(files, "", recursive=True)
        return [
            listed(path, files[path]) if path in files else {"type": "directory", "path": path, "size": 0, "oid": ""}
            for path in asked
            if path in files or path in folders
        ]

    @router.get("/api/{kind}/{owner}/{name}/refs")
    async def refs(request: Request, kind: str, owner: str, name: str) -> dict[str, Any]:
        named = access.repository(request, kind, f"{owner}/{name}").refs
        branches = [
            {"name": ref, "ref": f"refs/heads/{ref}", "targetCommit": oid} for ref, oid in sorted(named.items())
        ]
        return {"branches": branches, "tags": [], "converts": [], "pullRequests": []}

    @router.get("/api/{kind}/{owner}/{name}/commits/{revision}")
    async def commits(request: Request, kind: str, owner: str, name: str, revision: Part) -> list[dict[str, Any]]:
        repository = access.repository(request, kind, f"{owner}/{name}")
        found = [(oid, repository.commits[oid]) for oid in repository.history(revision)]
        return [
            {"id": oid, "title": c.title, "message": c.message, "authors": [{"user": c.author}], "date": c.date}
            for oid, c in found
        ]

    @router.api_route("/store/{digest}", methods=["GET", "HEAD"])
    async def stored(request: Request, digest: str) -> Response:
        return _ranged(request, access.store.objects.read(digest), {"ETag": f'"{digest}"'})

    @router.api_route("/{owner}/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
    async def model_file(request: Request, owner: str, name: str, revision: Part, path: Part) -> Response:
        return _file(request, access.repository(request, "models", f"{owner}/{name}", reading=True), revision, path)

    @router.api_route("/{kind}/{owner}/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
    async def file(request: Request, kind: str, owner: str, name: str, revision: Part, path: Part) -> Response:
        return _file(request, access.repository(request, kind, f"{owner}/{name}", reading=True), revision, path)

    return router


def describe(repository: Repository, repo_id: str, commit: str, *, blobs: bool) -> dict[str, Any]:
    """A repository at a commit, as `model_info`, `dataset_info` and `space_info` read it."""
    files = repository.commits[commit].files
    siblings = [{"rfilename": path, **(_blob(entry) if blobs else {})} for path, entry in files.items()]
    card = front_matter(repository.content("README.md", commit).decode()) if "README.md" in files else None
    return {
        "id": repo_id,
        "author": repo_id.partition("/")[0],
        "sha": commit,
        "lastModified": repository.commits[commit].date,
        "private": repository.access == "private",
        "gated": "manual" if repository.access == "gated" else False,
        "disabled": False,
        "tags": (card or {}).get("tags", []),
        "cardData": card,
        "siblings": siblings,
        **({"sdk": repository.sdk} if repository.sdk else {}),
    }


def listed(path: str, entry: Entry) -> dict[str, Any]:
    """A file as lists of files show it."""
    large = {"lfs": {"oid": entry.digest, "size": entry.size, "pointerSize": POINTER_BYTES}} if entry.large else {}
    return {"type": "file", "path": path, "size": entry.size, "oid": entry.oid[:40], **large}


def front_matter(card: str) -> dict[str, Any] | None:
    """The YAML block of a card.

    Raises:
        yaml.YAMLError: it is none.
    """
    found = FRONT_MATTER.match(card)
    fields = yaml.safe_load(found[1]) if found else None
    return fields if isinstance(fields, dict) else None


def _blob(entry: Entry) -> dict[str, Any]:
    large = {"lfs": {"sha256": entry.digest, "size": entry.size, "pointerSize": POINTER_BYTES}} if entry.large else {}
    return {"size": entry.size, "blobId": entry.oid[:40], **large}


def _folders(files: dict[str, Entry], inside: str, *, recursive: bool) -> list[str]:
    found = set()
    for file in files:
        parts = file[len(inside) :].split("/")[:-1]
        found |= {
            inside + "/".join(parts[:depth])
            for depth in range(1, len(parts) + 1 if recursive else min(2, len(parts) + 1))
        }
    return sorted(found)


def _file(request: Request, repository: Repository, revision: str, path: str) -> Response:
    commit = repository.resolve(revision)
    entry = repository.commits[commit].files.get(path)
    if entry is None or path in repository.lost:
        raise HubAnswerError(404, "EntryNotFound", f"{path} does not exist")
    headers = {"X-Repo-Commit": commit}
    if not entry.large:
        return _ranged(request, repository.objects.read(entry.digest), headers | {"ETag": f'"{entry.oid}"'})
    # Another host name than the server's own: the client tells the store from the Hub by it.
    location = f"http://localhost:{request.url.port}/store/{entry.digest}"
    linked = {"X-Linked-Etag": f'"{entry.digest}"', "X-Linked-Size": str(entry.size), "Location": location}
    return Response(status_code=302, headers=headers | linked)


def _ranged(request: Request, content: bytes, headers: dict[str, str]) -> Response:
    headers = {**headers, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    asked = RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None:
        return Response(content, headers=headers)
    start, end = int(asked[1]), min(int(asked[2] or len(content) - 1), len(content) - 1)
    if start > end:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(content)}"})
    part = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
    return Response(content[start : end + 1], status_code=206, headers=headers | part)
