"""The way of large files: Git LFS' batch request, then a PUT of each, whole or in parts."""

from __future__ import annotations

from math import ceil
from typing import Any

from fastapi import APIRouter, Request, Response

from tests.hub_parts.access import Access
from tests.hub_parts.store import HubAnswerError, sha256


def large_file_routes(access: Access, part_bytes: int | None) -> APIRouter:
    """Routes for the content of large files.

    Args:
        access: the store, and who may change it.
        part_bytes: what is larger than this comes in parts of this size; None: everything comes whole.
    """
    router = APIRouter()
    parts: dict[str, dict[int, bytes]] = {}

    async def batch(request: Request, kind: str, repo_id: str) -> dict[str, Any]:
        access.writable(request, kind, repo_id)
        root = str(request.base_url).rstrip("/")
        wanted = (await request.json())["objects"]
        return {"transfer": "basic", "objects": [_object(root, item["oid"], item["size"]) for item in wanted]}

    def _object(root: str, oid: str, size: int) -> dict[str, Any]:
        if oid in access.store.objects:
            return {"oid": oid, "size": size}
        upload: dict[str, Any] = {"href": f"{root}/lfs/{oid}"}
        if part_bytes is not None and size > part_bytes:
            numbers = range(1, ceil(size / part_bytes) + 1)
            urls = {f"{number:05d}": f"{root}/lfs/{oid}/{number}" for number in numbers}
            upload = {"href": f"{root}/lfs/{oid}/complete", "header": {"chunk_size": str(part_bytes), **urls}}
        return {"oid": oid, "size": size, "actions": {"upload": upload, "verify": {"href": f"{root}/lfs/{oid}/verify"}}}

    @router.post("/{owner}/{name}.git/info/lfs/objects/batch")
    async def model_batch(request: Request, owner: str, name: str) -> dict[str, Any]:
        return await batch(request, "models", f"{owner}/{name}")

    @router.post("/{kind}/{owner}/{name}.git/info/lfs/objects/batch")
    async def other_batch(request: Request, kind: str, owner: str, name: str) -> dict[str, Any]:
        return await batch(request, kind, f"{owner}/{name}")

    @router.put("/lfs/{oid}")
    async def put(request: Request, oid: str) -> None:
        _store(oid, await request.body())

    @router.put("/lfs/{oid}/{number}")
    async def put_part(request: Request, oid: str, number: int) -> Response:
        content = await request.body()
        parts.setdefault(oid, {})[number] = content
        return Response(headers={"ETag": f'"{sha256(content)}"'})

    @router.post("/lfs/{oid}/complete")
    async def complete(oid: str) -> None:
        _store(oid, b"".join(content for _, content in sorted(parts.pop(oid, {}).items())))

    @router.post("/lfs/{oid}/verify")
    async def verify(oid: str) -> None:
        if oid not in access.store.objects:
            raise HubAnswerError(404, message="this object was not uploaded")

    def _store(oid: str, content: bytes) -> None:
        if sha256(content) != oid:
            raise HubAnswerError(400, message="the content is not what its name says")
        access.store.objects.add(content)

    return router
