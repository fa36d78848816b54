"""Who asks, and what they may: tokens, repositories that only their owners see, and parts of paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote

from fastapi import Request
from pydantic import AfterValidator

from tests.hub_parts.store import HubAnswerError, Repository, Store

WRITE_TOKEN, READ_TOKEN = "hf_stand_in_write", "hf_stand_in_read"

# A part of a path arrives as it was sent; "%2F" is a slash inside of it.
Part = Annotated[str, AfterValidator(unquote)]


@dataclass(frozen=True)
class User:
    """Who a token stands for."""

    name: str = "rin"
    organisations: tuple[str, ...] = ("studio",)
    role: str = "write"

    def owns(self, repo_id: str) -> bool:
        return repo_id.partition("/")[0] in (self.name, *self.organisations)


USERS = {WRITE_TOKEN: User(), READ_TOKEN: User(role="read")}


class Access:
    """The store as those who ask may see and change it."""

    def __init__(self, store: Store, users: dict[str, User]) -> None:
        self.store = store
        self.users = users

    def user(self, request: Request) -> User | None:
        """Whose token a request carries; a wrong one is an error, none is not."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return None
        if token not in self.users:
            raise HubAnswerError(401, message="Invalid credentials in Authorization header")
        return self.users[token]

    def writer(self, request: Request, repo_id: str) -> User:
        """The user, who may write to repositories of this owner."""
        user = self.user(request)
        if user is None:
            raise HubAnswerError(401, message="Invalid username or password.")
        if user.role != "write" or not user.owns(repo_id):
            raise HubAnswerError(403, message=f"You don't have the rights to write to {repo_id} with this token")
        return user

    def repository(self, request: Request, kind: str, repo_id: str, *, reading: bool = False) -> Repository:
        """A repository; `reading` its files takes more than knowing of it."""
        user = self.user(request)
        owner = user is not None and user.owns(repo_id)
        repository = self.store.find(kind, repo_id)
        if repository is None or (repository.access == "private" and not owner):
            raise HubAnswerError(404 if user else 401, "RepoNotFound", "Repository not found")
        if reading and repository.access == "gated" and not owner:
            raise HubAnswerError(403, "GatedRepo", "Access to this repository is restricted")
        return repository

    def writable(self, request: Request, kind: str, repo_id: str) -> Repository:
        """A repository that the one who asks may change."""
        repository = self.repository(request, kind, repo_id)
        self.writer(request, repo_id)
        return repository
