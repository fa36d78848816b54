"""The demo as programs see it: over HTTP with ``gradio_client``, and as an MCP server."""

import ast
import csv
import io
import socket
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from anime_models.backbones import build_model
from anime_models.checkpoints import save_checkpoint
from anime_models.images import DEFAULT_LIMITS
from tests.apps.fakes import LABELS, make_config, make_record
from tests.apps.mcp_client import ask_mcp
from tests.apps.serving import start

IDENTIFY = {"identify", "identify_batch", "load_model"}
GENERATE = {"generate_face", "interpolate", "project_face", "describe_generator"}
ENDPOINTS = IDENTIFY | GENERATE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with two, four and no faces, a turned one, and a text file."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.new("RGB", (200, 300)).save(folder / "two.png")
    Image.new("RGB", (400, 500)).save(folder / "four.png")
    Image.new("RGB", (90, 90)).save(folder / "none.png")
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (300, 200)).save(folder / "turned.jpg", exif=exif)
    (folder / "text.png").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An untrained emotion model in a folder."""
    folder = tmp_path_factory.mktemp("mine")
    config = make_config("emotion")
    model = build_model(config.backbone, config.head, config.num_outputs, config.preprocessing.image_size)
    save_checkpoint(folder, model, config, make_record("emotion"), "# Mine")
    return str(folder)


def test_identify_reads_every_face(client: Client, folder: Path) -> None:
    answer = client.predict(handle_file(folder / "two.png"), api_name="/identify")
    assert (answer["width"], answer["height"], answer["whole_picture"]) == (200, 300, False)
    assert [face["number"] for face in answer["faces"]] == [1, 2]
    first = answer["faces"][0]
    assert first["box"] == [0.0, 10.0, 90.0, 90.0]
    assert first["character"]["answer"] == "Aoi Hoshino (Harbour Lights), 95% confident"
    assert first["emotion"]["verdict"] == "label"
    assert len(first["emotion"]["candidates"]) == 5


def test_identify_takes_settings(client: Client, folder: Path) -> None:
    answer = client.predict(
        handle_file(folder / "four.png"), top_k=1, detection_threshold=0.75, abstain_below=0.99, api_name="/identify"
    )
    assert [face["character"]["verdict"] for face in answer["faces"]] == ["not_sure", "not_sure"]
    assert [len(face["emotion"]["candidates"]) for face in answer["faces"]] == [1, 1]


def test_identify_says_when_there_is_no_face(client: Client, folder: Path) -> None:
    answer = client.predict(handle_file(folder / "none.png"), api_name="/identify")
    assert answer["whole_picture"]
    assert answer["faces"][0]["box"] is None


def test_identify_turns_pictures_upright(client: Client, folder: Path) -> None:
    answer = client.predict(handle_file(folder / "turned.jpg"), api_name="/identify")
    assert (answer["width"], answer["height"]) == (200, 300)


def test_a_bad_picture_gets_a_message_and_a_good_one_still_works(client: Client, folder: Path) -> None:
    with pytest.raises(AppError, match=r"'text\.png' is text, not a picture"):
        client.predict(handle_file(folder / "text.png"), api_name="/identify")
    assert client.predict(handle_file(folder / "two.png"), api_name="/identify")["faces"]


def test_no_picture_gets_a_message(client: Client) -> None:
    with pytest.raises(AppError, match="There is no picture"):
        client.predict(None, api_name="/identify")


@pytest.mark.parametrize(
    "setting",
    [{"detection_threshold": 2}, {"abstain_below": -0.1}, {"abstain_below": "much"}, {"top_k": 0}, {"top_k": True}],
)
def test_a_setting_out_of_range_gets_a_message(client: Client, folder: Path, setting: dict[str, Any]) -> None:
    with pytest.raises(AppError, match=f"{next(iter(setting))} is .* give a number"):
        client.predict(handle_file(folder / "two.png"), **setting, api_name="/identify")


@pytest.mark.parametrize(
    ("source", "message"), [("nowhere/at/all", "There is no folder"), ("nobody/nothing", "Hub"), (7, "give a text")]
)
def test_an_unknown_model_gets_a_message(client: Client, folder: Path, source: Any, message: str) -> None:
    with pytest.raises(AppError, match=message):
        client.predict(handle_file(folder / "two.png"), emotion_model=source, api_name="/identify")


def test_a_file_too_large_is_refused(client: Client, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(bytes(DEFAULT_LIMITS.max_bytes + 1))
    with pytest.raises(Exception, match="exceeds the maximum file size"):
        client.predict(handle_file(large), api_name="/identify")


def test_a_file_of_the_server_cannot_be_asked_for(client: Client) -> None:
    stolen = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(AppError):
        client.predict(stolen, api_name="/identify")


def test_batch_gives_rows_and_csv(client: Client, folder: Path) -> None:
    names = ("two.png", "text.png", "none.png")
    answer = client.predict([handle_file(folder / name) for name in names], api_name="/identify_batch")
    assert [row["file"] for row in answer["rows"]] == ["two.png", "two.png", "text.png", "none.png"]
    assert "is text" in answer["rows"][2]["error"]
    read = list(csv.DictReader(io.StringIO(answer["csv"])))
    assert [row["character"] for row in read] == ["Aoi Hoshino", "Ren Kuroda", "", "Aoi Hoshino"]


def test_an_empty_batch_gets_a_message(client: Client) -> None:
    with pytest.raises(AppError, match="no files"):
        client.predict([], api_name="/identify_batch")


def test_load_model_describes_a_checkpoint(client: Client, folder: Path, checkpoint: str) -> None:
    facts = client.predict("emotion", checkpoint, api_name="/load_model")
    assert facts["labels"] == list(LABELS["emotion"])
    assert facts["metrics"]["macro_f1"] == 0.96
    answer = client.predict(handle_file(folder / "none.png"), emotion_model=checkpoint, api_name="/identify")
    # Untrained, so unsure; the stand-in would be sure.
    assert answer["faces"][0]["emotion"]["confidence"] < 0.5


def test_load_model_refuses_the_wrong_task(client: Client, checkpoint: str) -> None:
    with pytest.raises(AppError, match="answers emotion, not character"):
        client.predict("character", checkpoint, api_name="/load_model")
    with pytest.raises(AppError, match="give one of: character, emotion"):
        client.predict("age", api_name="/load_model")


def test_only_the_endpoints_are_named(client: Client) -> None:
    api = client.view_api(return_format="dict")
    assert set(api["named_endpoints"]) == {f"/{name}" for name in ENDPOINTS}
    assert not api["unnamed_endpoints"]
    parameters = {p["parameter_name"]: p for p in api["named_endpoints"]["/identify"]["parameters"]}
    assert [name for name, p in parameters.items() if not p["parameter_has_default"]] == ["image"]
    assert parameters["character_model"]["parameter_default"] == "built-in"


def test_mcp_lists_the_tools_with_their_descriptions(fake_demo: str) -> None:
    tools = {tool.name: tool for tool in ask_mcp(fake_demo, lambda session: session.list_tools()).tools}
    assert set(tools) == ENDPOINTS
    for tool in tools.values():
        described = [field.get("description") for field in tool.inputSchema["properties"].values()]
        assert all(described), tool.name
    identify = tools["identify"]
    assert identify.description.startswith("Find every drawn (anime, manga) face")
    assert identify.inputSchema["required"] == ["image"]


def test_mcp_calls_a_tool(fake_demo: str) -> None:
    answer = ask_mcp(fake_demo, lambda session: session.call_tool("load_model", {"task": "emotion"}))
    assert not answer.isError
    assert ast.literal_eval(answer.content[0].text)["num_labels"] == 6


def test_mcp_reports_an_error_as_a_message(fake_demo: str) -> None:
    answer = ask_mcp(
        fake_demo, lambda session: session.call_tool("load_model", {"task": "emotion", "source": "no/such/folder"})
    )
    assert answer.isError
    assert "There is no folder" in answer.content[0].text
    assert "Traceback" not in answer.content[0].text


def test_a_taken_port_is_a_message() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start("tests.apps.serve_fakes", "--port", str(taken.getsockname()[1]))
        _, said = process.communicate()
    assert process.returncode == 1
    assert said.startswith("The demo cannot start:")
    assert "Traceback" not in said


def test_host_and_port_come_from_the_command_line() -> None:
    process = start("apps.demo", "--help")
    said, _ = process.communicate()
    assert "--host" in said
    assert "--port" in said
