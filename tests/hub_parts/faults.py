"""What goes wrong on demand: answers with an error, late, cut off, or never."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

ADMINISTRATION = "/_stand-in/"
SILENCE_CHECK_SECONDS = 0.02

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass
class Fault:
    """One thing that goes wrong with the requests that it fits.

    Attributes:
        status: answer with this status instead, without doing what was asked. 200 is an answer that no Hub gives.
        code: of the error, in X-Error-Code ("RepoNotFound", "GatedRepo", ...).
        message: of the error.
        headers: further ones, such as {"Retry-After": "0"}.
        slow: seconds to wait before anything else.
        silent: accept the request and never answer, as a firewall does.
        cut: break the connection in the middle of the answer. What a POST or PUT asks for is not done.
        cut_after: the same, but it has been done: only the answer is lost.
        method: which requests it fits; "*" is all.
        path: pattern of the path as in a shell, such as "*/commit/*".
        times: how many requests it strikes; None is all.
        spare: how many it lets pass before.
    """

    status: int | None = None
    code: str = ""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    slow: float = 0.0
    silent: bool = False
    cut: bool = False
    cut_after: bool = False
    method: str = "*"
    path: str = "*"
    times: int | None = None
    spare: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is one; asked once for each."""
        if self.times == 0 or not fnmatchcase(method, self.method) or not fnmatchcase(path, self.path):
            return False
        if self.spare:
            self.spare -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FaultyApp:
    """Puts the faults and the list of requests between the network and the application.

    Attributes:
        requests: "METHOD /path" of every request so far.
        faults: the first that fits a request strikes it.
        is_closing: tells whether those who wait without end are let go.
    """

    def __init__(self, app: App, is_closing: Callable[[], bool]) -> None:
        self.app = app
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.is_closing = is_closing

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = unquote(scope["raw_path"].decode("ascii"))
        # As it was sent, so that an encoded slash stays inside its part of the path.
        scope = {**scope, "path": scope["raw_path"].decode("ascii")}
        if path.startswith(ADMINISTRATION):
            await self.app(scope, receive, send)
            return
        self.requests.append(f"{scope['method']} {path}")
        fault = next((fault for fault in self.faults if fault.strikes(scope["method"], path)), None)
        if fault is None:
            await self.app(scope, receive, send)
        else:
            await self._strike(fault, scope, receive, send)

    async def _strike(self, fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
        await asyncio.sleep(fault.slow)
        while fault.silent and not self.is_closing():
            await asyncio.sleep(SILENCE_CHECK_SECONDS)
        if fault.silent:
            return
        if fault.status is not None:
            await _answer(fault, send)
        elif fault.cut_after or (fault.cut and scope["method"] in ("GET", "HEAD")):
            await self.app(scope, receive, _cutting(send))
        elif fault.cut:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        else:
            await self.app(scope, receive, send)


async def _answer(fault: Fault, send: Send) -> None:
    headers = {"X-Error-Code": fault.code, "X-Error-Message": fault.message, "Content-Length": "0", **fault.headers}
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items() if value]
    await send({"type": "http.response.start", "status": fault.status, "headers": sent})
    await send({"type": "http.response.body", "body": b""})


def _cutting(send: Send) -> Send:
    """Sends the head and the first half of the first piece; the server breaks the connection as the rest is missing."""
    is_cut = False

    async def cut(message: Message) -> None:
        nonlocal is_cut
        if message["type"] == "http.response.body" and not is_cut:
            is_cut = True
            half = message["body"][: len(message["body"]) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
        elif message["type"] == "http.response.start":
            await send(message)

    return cut
