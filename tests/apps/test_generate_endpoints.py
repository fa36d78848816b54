"""The laboratory as programs see it: over HTTP with ``gradio_client``, and as an MCP server."""

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageSequence

from anime_models.generator import FaceGenerator
from anime_models.permalinks import FacePoint
from tests.apps.mcp_client import ask_mcp
from tests.small_generators import NAMES


@pytest.fixture(scope="module")
def generator(generator_folder: Path) -> FaceGenerator:
    return FaceGenerator.load(generator_folder)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture in which the stand-in for the detector finds two faces."""
    path = tmp_path_factory.mktemp("pictures") / "two.png"
    Image.new("RGB", (200, 300), "teal").save(path)
    return path


def pixels(path: str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def test_a_face_is_drawn_and_read(client: Client, generator: FaceGenerator) -> None:
    path, told = client.predict(42, 1.0, {"mouth open": 0.5}, api_name="/generate_face")
    point = FacePoint(seed=42, directions={"mouth open": 0.5})
    assert np.array_equal(pixels(path), np.asarray(generator.image(point)))
    assert (told["seed"], told["truncation"], told["directions"]) == (42, 1.0, {"mouth open": 0.5})
    assert told["permalink"] == generator.permalink(point)
    assert told["character"]["answer"] == "Aoi Hoshino (Harbour Lights), 95% confident"
    assert 0 <= told["novelty_percentile"] <= 100
    assert told["novelty_distance"] >= 0


def test_a_permalink_makes_the_same_face_again(client: Client) -> None:
    first, told = client.predict(7, api_name="/generate_face")
    again, told_again = client.predict(permalink=told["permalink"], api_name="/generate_face")
    assert np.array_equal(pixels(first), pixels(again))
    assert told_again == told


def test_all_has_a_default(client: Client) -> None:
    _, told = client.predict(api_name="/generate_face")
    assert (told["seed"], told["truncation"], told["clip"], told["directions"]) == (0, 1.0, None, {})


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"seed": -1}, "seed is -1; give a whole number from 0 to 4294967295"),
        ({"seed": 2**32}, "whole number from 0 to 4294967295"),
        ({"seed": 1.5}, "whole number from 0 to 4294967295"),
        ({"seed": "many"}, "whole number from 0 to 4294967295"),
        ({"seed": None}, "There is no seed"),
        ({"truncation": 2}, "truncation is 2; give a number from 0 to 1.5"),
        ({"truncation": None}, "truncation is empty; give a number from 0 to 1.5"),
        ({"directions": {"longer nose": 1}}, "There is no direction 'longer nose'; this generator has: hair brighter"),
        ({"directions": {"mouth open": 2}}, "'mouth open' is 2; give a number from -1 to 1"),
        ({"directions": {"mouth open": "wide"}}, "'mouth open' is 'wide'; give a number"),
        ({"directions": ["mouth open"]}, "give amounts by name"),
        ({"directions": "mouth open"}, "which is no JSON"),
        ({"permalink": "rubbish"}, "copy it whole"),
        ({"permalink": 7}, "permalink is 7; give a text"),
        ({"generator": "no/such/folder"}, "There is no folder"),
        ({"generator": None}, "generator is None; give a text"),
    ],
)
def test_bad_input_gets_a_message(client: Client, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(AppError) as raised:
        client.predict(**asked, api_name="/generate_face")
    assert message in str(raised.value)


def test_a_broken_checkpoint_gets_a_message(client: Client, generator_folder: Path, tmp_path: Path) -> None:
    for file in generator_folder.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(AppError, match=r"model\.safetensors"):
        client.predict(generator=str(tmp_path), api_name="/generate_face")
    assert client.predict(api_name="/generate_face")


def test_an_animation_has_the_frames_that_were_asked_for(client: Client) -> None:
    path = client.predict([1, 2, 3], 0.7, 5, 10, False, "webp", api_name="/interpolate")
    with Image.open(path) as animation:
        assert len(list(ImageSequence.Iterator(animation))) == 11
        assert animation.size == (256, 256)
    path = client.predict([1, 2], frames_per_step=4, ending="mp4", api_name="/interpolate")
    with av.open(io.BytesIO(Path(path).read_bytes()), "r") as film:
        assert len(list(film.decode(video=0))) == 8


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"seeds": [1]}, "2 to 12 faces"),
        ({"seeds": 5}, "give a list"),
        ({"seeds": None}, "give a list"),
        ({"seeds": [1, -2]}, "whole number from 0 to 4294967295"),
        ({"seeds": list(range(12)), "frames_per_step": 120}, "make 1440 frames; the limit is 600"),
        ({"seeds": [1, 2], "frames_per_step": 0}, "frames per step is 0; give a whole number"),
        ({"seeds": [1, 2], "fps": 100}, "frames per second is 100; give a whole number from 1 to 50"),
        ({"seeds": [1, 2], "ending": "avi"}, "There is no format 'avi'"),
    ],
)
def test_a_bad_animation_gets_a_message(client: Client, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(AppError) as raised:
        client.predict(**asked, api_name="/interpolate")
    assert message in str(raised.value)


def test_a_picture_is_projected(client: Client, picture: Path) -> None:
    path, told = client.predict(handle_file(picture), 10, api_name="/project_face")
    assert told["face_found"]
    assert told["end_distance"] <= told["start_distance"]
    again, _ = client.predict(permalink=told["permalink"], api_name="/generate_face")
    assert np.array_equal(pixels(path), pixels(again))


def test_a_projection_of_no_picture_gets_a_message(client: Client, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(AppError, match="is text, not a picture"):
        client.predict(handle_file(tmp_path / "text.png"), api_name="/project_face")
    with pytest.raises(AppError, match="There is no picture"):
        client.predict(None, api_name="/project_face")


def test_a_projection_of_too_many_steps_gets_a_message(client: Client, picture: Path) -> None:
    with pytest.raises(AppError, match="steps is 5000; give a whole number from 1 to 1000"):
        client.predict(handle_file(picture), 5000, api_name="/project_face")


def test_a_generator_is_described(client: Client, generator: FaceGenerator) -> None:
    facts = client.predict(api_name="/describe_generator")
    assert facts["fingerprint"] == generator.fingerprint
    assert (facts["image_size"], facts["latent_size"]) == (64, 128)
    assert [direction["name"] for direction in facts["directions"]] == list(NAMES)


def test_mcp_draws_a_face(fake_demo: str) -> None:
    answer = ask_mcp(
        fake_demo, lambda session: session.call_tool("generate_face", {"seed": 3, "directions": '{"mouth open": 1}'})
    )
    assert not answer.isError
    kinds = [content.type for content in answer.content]
    assert "image" in kinds
    told = " ".join(content.text for content in answer.content if content.type == "text")
    assert "'directions': {'mouth open': 1.0}" in told
