"""A stand-in for the Hugging Face Hub: a real HTTP server on this machine, for tests and for trying things out.

It answers as the Hub does to the unmodified `huggingface_hub` of requirements.txt: repositories of models, data sets
and Spaces are created, filled (regular files and large ones), committed to, listed and downloaded, and Spaces get
secrets, variables and hardware. `datasets.load_dataset` reads from it. What it keeps lies in a folder.

By hand::

    python -m tests.hub_server --folder /tmp/hub        # prints what to set, ends with Ctrl+C
    export HF_ENDPOINT=http://127.0.0.1:8008 HF_TOKEN=hf_stand_in_write HF_HUB_DISABLE_XET=1
    hf upload rin/faces anime_models/embedded/characters

`HF_ENDPOINT` is read when `huggingface_hub` is imported, so set it before. There is no Xet storage here: a client with
`hf_xet` needs ``HF_HUB_DISABLE_XET=1``, or a server started with ``--regular-only``, which puts large files into the
commit as well. The token ``hf_stand_in_write`` stands for the user "rin", a member of "studio"; ``hf_stand_in_read``
may only read; every other one is refused.

What goes wrong is asked for as a `Fault` (see there), from the same process or over HTTP::

    hub.fail(Fault(status=412, path="*/commit/*"))
    curl -X POST $HF_ENDPOINT/_stand-in/faults -H 'Content-Type: application/json' \
        -d '{"status": 429, "headers": {"Retry-After": "1"}, "path": "*/preupload/*", "times": 2}'
    curl -X DELETE $HF_ENDPOINT/_stand-in/faults            # all is well again
    curl $HF_ENDPOINT/_stand-in/requests                    # what was asked so far

In tests the fixture `hub` (tests/conftest.py) is a running `HubServer` in place of the real Hub.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.hub_parts.access import READ_TOKEN, USERS, WRITE_TOKEN, Access
from tests.hub_parts.faults import ADMINISTRATION, Fault, FaultyApp
from tests.hub_parts.large_files import large_file_routes
from tests.hub_parts.reading import reading_routes
from tests.hub_parts.space_settings import space_routes
from tests.hub_parts.store import HubAnswerError, Repository, Store, read_folder
from tests.hub_parts.writing import writing_routes

__all__ = ["READ_TOKEN", "WRITE_TOKEN", "Fault", "HubServer", "Repository"]

KIND_PREFIXES = ("datasets/", "spaces/")


class HubServer:
    """The server, running in a thread while the context is entered.

    Attributes:
        store: all repositories.
        url: address of the server, what HF_ENDPOINT has to be.
    """

    def __init__(
        self, folder: Path | None = None, port: int = 0, *, regular_only: bool = False, part_bytes: int | None = None
    ) -> None:
        """A server that is not running yet.

        Args:
            folder: where everything is kept; None is a folder that ends with the server.
            port: number to listen at; 0 is any that is free.
            regular_only: take every file as a regular one.
            part_bytes: large files above this size are uploaded in parts of it.
        """
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="hub-")
        self.store = Store(folder or Path(self._temporary.name if self._temporary else ""))
        self._closing = threading.Event()
        access = Access(self.store, USERS)
        self._app = FaultyApp(self._api(access, regular_only, part_bytes), self._closing.is_set)
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        settings = uvicorn.Config(
            self._app, log_config=None, log_level="critical", ws="none", lifespan="off", http="h11"
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    @property
    def requests(self) -> list[str]:
        """Method and path of every request so far."""
        return self._app.requests

    def fail(self, fault: Fault) -> None:
        """From now on, let requests that the fault fits go wrong."""
        self._app.faults.append(fault)

    def heal(self) -> None:
        """From now on, let nothing go wrong."""
        self._app.faults.clear()

    def create(self, name: str, sdk: str | None = None) -> Repository:
        """A new repository; of a data set or a Space with its prefix ("datasets/owner/name")."""
        return self.store.create(*_kind_and_id(name), sdk)

    def add(self, name: str, folder: Path) -> Repository:
        """A new repository with the files of `folder` on its branch "main"."""
        repository = self.create(name)
        repository.commit(read_folder(folder))
        return repository

    def repository(self, name: str) -> Repository:
        """The repository of a name as `create` takes it; a `KeyError` if there is none."""
        found = self.store.find(*_kind_and_id(name))
        if found is None:
            raise KeyError(name)
        return found

    def downloads(self) -> set[str]:
        """Paths of the files that were downloaded, not only asked about."""
        found = (re.match(r"GET .*/resolve/[^/]+/(.+)", request) for request in self.requests)
        return {match[1] for match in found if match}

    def close(self) -> None:
        """Stop answering: from now on connections are refused."""
        if not self._closing.is_set():
            self._closing.set()
            self._server.should_exit = self._server.force_exit = True
            self._thread.join()
            self._socket.close()
            if self._temporary:
                self._temporary.cleanup()

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _api(self, access: Access, regular_only: bool, part_bytes: int | None) -> FastAPI:
        api = FastAPI(openapi_url=None)
        api.add_exception_handler(HubAnswerError, _error_answer)

        @api.post(f"{ADMINISTRATION}faults")
        async def add_fault(fault: Fault) -> None:
            self.fail(fault)

        @api.get(f"{ADMINISTRATION}faults")
        async def faults() -> list[dict[str, Any]]:
            return [asdict(fault) for fault in self._app.faults]

        @api.delete(f"{ADMINISTRATION}faults")
        async def delete_faults() -> None:
            self.heal()

        @api.get(f"{ADMINISTRATION}requests")
        async def requests() -> list[str]:
            return self.requests

        api.include_router(space_routes(access))
        api.include_router(writing_routes(access, regular_only=regular_only))
        api.include_router(large_file_routes(access, part_bytes))
        api.include_router(reading_routes(access))
        return api


async def _error_answer(_: Request, error: Exception) -> Response:
    if not isinstance(error, HubAnswerError):
        raise error
    headers = {"X-Error-Code": error.code, "X-Error-Message": error.message}
    return JSONResponse({"error": error.message}, error.status, {name: text for name, text in headers.items() if text})


def _kind_and_id(name: str) -> tuple[str, str]:
    for prefix in KIND_PREFIXES:
        if name.startswith(prefix):
            return prefix.rstrip("/"), name.removeprefix(prefix)
    return "models", name


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub_server", description="A stand-in for the Hub.")
    parser.add_argument("--folder", type=Path, help="where everything is kept; a temporary folder if left out")
    parser.add_argument("--port", type=int, default=8008, help="port to listen at; 0 is any that is free")
    parser.add_argument("--regular-only", action="store_true", help="take large files inside the commit, too")
    options = parser.parse_args(arguments)
    with HubServer(options.folder, options.port, regular_only=options.regular_only) as hub:
        settings = {"HF_ENDPOINT": hub.url, "HF_TOKEN": WRITE_TOKEN, "HF_HUB_DISABLE_XET": "1"}
        print("export " + " ".join(f"{name}={value}" for name, value in settings.items()), flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(json.dumps({"requests": len(hub.requests)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
