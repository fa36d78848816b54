"""Does a staged Space answer, in the browser's way and in that of programs?"""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from anime_models.drawn_faces import draw_scene
from tests.apps.mcp_client import ask_mcp

NUM_FACES = 2


def ask_demo(address: str, folder: Path, emotion_model: str) -> None:
    """Identify over the API and over MCP, a deep link, the API page, and a model from the Hub.

    Args:
        address: of the running demo.
        folder: to write a picture into.
        emotion_model: repository on the Hub of a model that is not built in.
    """
    picture = folder / "scene.png"
    draw_scene(seed=4, num_faces=NUM_FACES, size=(512, 384))[0].save(picture)
    client = Client(address, verbose=False, analytics_enabled=False)
    try:
        answer = client.predict(handle_file(picture), api_name="/identify")
        assert len(answer["faces"]) == NUM_FACES
        assert len(answer["faces"][0]["character"]["candidates"]) == 5
        loaded = client.predict("emotion", emotion_model, api_name="/load_model")
        assert loaded["source"] == emotion_model
        for place in (str(folder), f"local-dir:{folder}", "/nothing/here"):
            with pytest.raises(AppError, match="this page is public"):
                client.predict("emotion", place, api_name="/load_model")
    finally:
        client.close()
    with httpx2.Client(base_url=address) as browser:
        assert "Anime Models" in browser.get("/?tab=generate").text
        assert "/identify" in browser.get("/gradio_api/info").json()["named_endpoints"]
    tools = ask_mcp(address, lambda session: session.list_tools()).tools
    assert "identify" in {tool.name for tool in tools}


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
