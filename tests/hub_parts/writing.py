"""Answers to whoever creates repositories, uploads and commits."""

from __future__ import annotations

import base64
import json
from typing import Any

from fastapi import APIRouter, Request, Response

from tests.hub_parts.access import Access, Part
from tests.hub_parts.card_rules import problems_of_card
from tests.hub_parts.store import Entry, HubAnswerError, Repository, is_large


def writing_routes(access: Access, *, regular_only: bool) -> APIRouter:
    """Routes for everything that changes a repository's files.

    Args:
        access: the store, and who may change it.
        regular_only: take every file as a regular one, inside the commit, whatever its size.
    """
    router = APIRouter()

    @router.get("/api/whoami-v2")
    async def whoami(request: Request) -> dict[str, Any]:
        user = access.user(request)
        if user is None:
            raise HubAnswerError(401, message="Invalid username or password.")
        organisations = [{"type": "org", "name": name} for name in user.organisations]
        token = {"displayName": "stand-in", "role": user.role}
        return {"type": "user", "name": user.name, "orgs": organisations, "auth": {"accessToken": token}}

    @router.post("/api/repos/create")
    async def create(request: Request) -> Response:
        asked = await request.json()
        user = access.user(request)
        repo_id = f"{asked['organization'] or (user.name if user else '')}/{asked['name']}"
        access.writer(request, repo_id)
        kind = f"{asked.get('type', 'model')}s"
        url = f"{_root(request)}/{'' if kind == 'models' else kind + '/'}{repo_id}"
        if access.store.find(kind, repo_id) is not None:
            return _json(409, {"error": "You already created this repo", "url": url})
        repository = access.store.create(kind, repo_id, asked.get("sdk"))
        repository.access = asked.get("visibility", "public")
        repository.save()
        return _json(200, {"url": url, "name": repo_id})

    @router.delete("/api/repos/delete")
    async def delete(request: Request) -> None:
        asked = await request.json()
        kind, repo_id = f"{asked.get('type', 'model')}s", f"{asked['organization']}/{asked['name']}"
        access.writable(request, kind, repo_id)
        access.store.delete(kind, repo_id)

    @router.post("/api/validate-yaml")
    async def validate_yaml(request: Request) -> Response:
        asked = await request.json()
        errors, warnings = problems_of_card(asked["content"], asked["repoType"])
        found = {"errors": [{"message": text} for text in errors], "warnings": [{"message": text} for text in warnings]}
        return _json(400 if errors else 200, found)

    @router.post("/api/{kind}/{owner}/{name}/preupload/{revision}")
    async def preupload(request: Request, kind: str, owner: str, name: str, revision: Part) -> dict[str, Any]:
        files = access.writable(request, kind, f"{owner}/{name}").files(revision)
        answers = []
        for file in (await request.json())["files"]:
            large = is_large(file["path"], file["size"]) and not regular_only
            present = files.get(file["path"])
            oid = {"oid": present.oid} if present is not None and present.large == large else {}
            mode = "lfs" if large else "regular"
            answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, **oid})
        return {"files": answers}

    @router.get("/api/{kind}/{owner}/{name}/xet-{use}-token/{revision}")
    async def xet_token(kind: str, owner: str, name: str, use: str, revision: str) -> None:
        words = "There is no Xet storage here: set HF_HUB_DISABLE_XET=1, or start this server with --regular-only"
        raise HubAnswerError(404, message=words)

    @router.post("/api/{kind}/{owner}/{name}/commit/{revision}")
    async def commit(request: Request, kind: str, owner: str, name: str, revision: Part) -> dict[str, Any]:
        repo_id = f"{owner}/{name}"
        repository = access.writable(request, kind, repo_id)
        rows = [json.loads(line) for line in (await request.body()).splitlines() if line]
        header = rows[0]["value"]
        stale = header.get("parentCommit", repository.resolve(revision)) != repository.resolve(revision)
        if stale:
            raise HubAnswerError(412, message="A commit has happened since. Please refresh and try again.")
        files = dict(repository.files(revision))
        for row in rows[1:]:
            apply_row(repository, files, row["key"], row["value"], regular_only=regular_only)
        author = access.writer(request, repo_id).name
        oid = repository.add_commit(files, revision, header["summary"], header.get("description", ""), author)
        url = f"{_root(request)}/{'' if kind == 'models' else kind + '/'}{repo_id}/commit/{oid}"
        return {"success": True, "commitUrl": url, "commitOid": oid, "hookOutput": ""}

    @router.post("/api/{kind}/{owner}/{name}/super-squash/{branch}")
    async def super_squash(request: Request, kind: str, owner: str, name: str, branch: Part) -> None:
        repository = access.writable(request, kind, f"{owner}/{name}")
        files = repository.files(branch)
        del repository.refs[branch]
        repository.add_commit(files, branch, (await request.json())["message"])

    return router


def apply_row(
    repository: Repository, files: dict[str, Entry], key: str, value: dict[str, Any], *, regular_only: bool
) -> None:
    """Change the tree of a commit in the making by one row of what was sent."""
    path = value["path"]
    if key == "file":
        content = base64.b64decode(value["content"])
        if is_large(path, len(content)) and not regular_only:
            raise HubAnswerError(400, message=f"{path} has to be uploaded as a large file")
        files[path] = repository.entry(path, content, may_be_large=not regular_only)
    elif key == "lfsFile":
        if value["oid"] not in repository.objects:
            raise HubAnswerError(400, message=f"the content of {path} was not uploaded")
        files[path] = Entry(value["oid"], len(repository.objects.read(value["oid"])), value["oid"], True)
    elif key == "deletedFile":
        if files.pop(path, None) is None:
            raise HubAnswerError(404, "EntryNotFound", f"A file with this name doesn't exist: {path}")
    elif key == "deletedFolder":
        for file in [file for file in files if file.startswith(f"{path.rstrip('/')}/")]:
            del files[file]
    else:
        raise HubAnswerError(400, message=f"unknown operation {key}")


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _json(status: int, value: object) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")
