"""Settings of Spaces, and the stage that they are in."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from tests.hub_parts.access import Access
from tests.hub_parts.store import Repository


def space_routes(access: Access) -> APIRouter:
    """Routes below ``/api/spaces/<id>/``; every question about the runtime moves the stage on by one."""
    router = APIRouter(prefix="/api/spaces/{owner}/{name}")

    def space(request: Request, owner: str, name: str) -> Repository:
        return access.writable(request, "spaces", f"{owner}/{name}")

    @router.get("/runtime")
    async def runtime(request: Request, owner: str, name: str) -> dict[str, Any]:
        repository = access.repository(request, "spaces", f"{owner}/{name}")
        answer = described(repository)
        if len(repository.space.stages) > 1:
            del repository.space.stages[0]
        return answer

    @router.get("/secrets")
    async def secrets(request: Request, owner: str, name: str) -> dict[str, Any]:
        return {key: {"key": key} for key in space(request, owner, name).space.secrets}

    @router.post("/secrets")
    async def add_secret(request: Request, owner: str, name: str) -> None:
        repository, asked = space(request, owner, name), await request.json()
        repository.space.secrets[asked["key"]] = asked["value"]
        repository.save()

    @router.get("/variables")
    async def variables(request: Request, owner: str, name: str) -> dict[str, Any]:
        return _variables(space(request, owner, name))

    @router.post("/variables")
    async def add_variable(request: Request, owner: str, name: str) -> dict[str, Any]:
        repository, asked = space(request, owner, name), await request.json()
        repository.space.variables[asked["key"]] = asked["value"]
        repository.save()
        return _variables(repository)

    @router.delete("/{settings}")
    async def delete(request: Request, owner: str, name: str, settings: str) -> dict[str, Any]:
        repository, asked = space(request, owner, name), await request.json()
        {"secrets": repository.space.secrets, "variables": repository.space.variables}[settings].pop(asked["key"], None)
        repository.save()
        return _variables(repository)

    @router.post("/hardware")
    async def hardware(request: Request, owner: str, name: str) -> dict[str, Any]:
        repository, asked = space(request, owner, name), await request.json()
        repository.space.requested_hardware = asked["flavor"]
        repository.space.sleep_time = asked.get("sleepTimeSeconds", repository.space.sleep_time)
        repository.save()
        return described(repository)

    @router.post("/sleeptime")
    async def sleep_time(request: Request, owner: str, name: str) -> dict[str, Any]:
        repository, asked = space(request, owner, name), await request.json()
        repository.space.sleep_time = asked["seconds"]
        return described(repository)

    @router.put("/volumes")
    async def volumes(request: Request, owner: str, name: str) -> dict[str, Any]:
        repository, asked = space(request, owner, name), await request.json()
        repository.space.volumes = asked["volumes"]
        return described(repository)

    @router.post("/restart")
    async def restart(request: Request, owner: str, name: str) -> dict[str, Any]:
        repository = space(request, owner, name)
        repository.space.stages = list(repository.space.after_commit)
        return described(repository)

    @router.post("/pause")
    async def pause(request: Request, owner: str, name: str) -> dict[str, Any]:
        repository = space(request, owner, name)
        repository.space.stages = ["PAUSED"]
        return described(repository)

    return router


def described(repository: Repository) -> dict[str, Any]:
    """The runtime of a Space."""
    space = repository.space
    return {
        "stage": space.stages[0],
        "hardware": {"current": space.hardware, "requested": space.requested_hardware},
        "gcTimeout": space.sleep_time,
        "volumes": space.volumes,
        "sha": repository.refs["main"],
        "errorMessage": space.error,
    }


def _variables(repository: Repository) -> dict[str, Any]:
    return {key: {"key": key, "value": value} for key, value in repository.space.variables.items()}
