"""Does a staged Space answer, in the browser's way and in that of programs?"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import expect, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from anime_models.drawn_faces import draw_scene
from tests.apps.mcp_client import ask_mcp
from tests.browser.driver import PATIENCE_MILLISECONDS, Visit, launch_browser

NUM_FACES = 2
SEED = 7
BUILT_IN = "built-in"
TOOLS = {"identify", "identify_batch", "load_model", "generate_face"}


def ask_demo(address: str, folder: Path, emotion_model: str, generator: str) -> None:
    """The API and its page, MCP, models from the Hub, and in a browser an example and a deep link.

    Args:
        address: of the running demo.
        folder: to write a picture into.
        emotion_model: repository on the Hub of a model that is not built in.
        generator: another of a generator.
    """
    permalink = ask_models(address, folder, generator)
    with _client(address) as client:
        loaded = client.predict("emotion", emotion_model, api_name="/load_model")
        assert loaded["source"] == emotion_model
        for place in (str(folder), f"local-dir:{folder}", "/nothing/here"):
            with pytest.raises(AppError, match="this page is public"):
                client.predict("emotion", place, api_name="/load_model")
    described = httpx2.get(f"{address}gradio_api/info").json()["named_endpoints"]
    assert {f"/{tool}" for tool in TOOLS} <= set(described)
    assert {tool.name for tool in ask_mcp(address, lambda session: session.list_tools()).tools} >= TOOLS
    answer = ask_mcp(address, lambda session: session.call_tool("load_model", {"task": "emotion"}))
    assert not answer.isError, answer.content
    link = urlencode({"tab": "generate", "face": permalink, "model": generator})
    # In a thread of its own: the browser tests leave a running event loop in the main one.
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(_look_around, address, f"?{link}").result()


def ask_models(address: str, folder: Path, generator: str = BUILT_IN) -> str:
    """Let the built-in models read a picture and a generator draw a face; returns the permalink of the face."""
    picture = folder / "scene.png"
    draw_scene(seed=4, num_faces=NUM_FACES, size=(512, 384))[0].save(picture)
    with _client(address) as client:
        answer = client.predict(handle_file(picture), api_name="/identify")
        assert len(answer["faces"]) == NUM_FACES
        assert len(answer["faces"][0]["character"]["candidates"]) == 5
        _, told = client.predict(SEED, generator=generator, api_name="/generate_face")
        _, found = client.predict(handle_file(picture), 2, generator=generator, api_name="/project_face")
    assert told["seed"] == SEED
    assert found["permalink"]
    return str(told["permalink"])


@contextmanager
def _client(address: str) -> Iterator[Client]:
    client = Client(address, verbose=False, analytics_enabled=False)
    yield client
    client.close()


def _look_around(address: str, link: str) -> None:
    with sync_playwright() as playwright, launch_browser(playwright) as browser:
        visit = Visit(browser, address)
        visit.page.get_by_role("button", name="Happy").click()
        expect(visit.page.locator("#am-status")).to_contain_text("found", timeout=PATIENCE_MILLISECONDS)
        visit.close()
        linked = Visit(browser, address, link)
        expect(linked.page.locator("#am-face figcaption")).to_contain_text(
            f"Seed {SEED},", timeout=PATIENCE_MILLISECONDS
        )
        linked.close()
    assert not visit.troubles + linked.troubles


def ask_dashboard(address: str, text: str) -> None:
    """Open the first page as a browser does, and find some text in it and no error.

    Args:
        address: of the running dashboard.
        text: what has to be on the page.
    """
    with httpx2.Client(base_url=address) as browser:
        assert browser.get("/_stcore/health").text == "ok"
        assert browser.get("/overview").status_code == 200
    deltas = []
    with connect(f"{address.replace('http', 'ws', 1)}_stcore/stream", max_size=None) as socket:
        rerun: Any = BackMsg()
        rerun.rerun_script.SetInParent()
        socket.send(rerun.SerializeToString())
        while True:
            message: Any = ForwardMsg()
            message.ParseFromString(socket.recv(timeout=120))
            if message.WhichOneof("type") == "delta":
                deltas.append(message.delta)
            if message.WhichOneof("type") == "script_finished":
                break
    kinds = [delta.new_element.WhichOneof("type") for delta in deltas]
    assert "exception" not in kinds, deltas[kinds.index("exception")]
    assert any(text in str(delta) for delta in deltas), kinds
