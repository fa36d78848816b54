"""What all tests share. Nothing heavy is imported here, so that a test of one module loads that module alone."""

import os

# Set before any library reads them, and inherited by the processes that tests start.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
# The stand-in Hub stores large files as Git LFS does, not as Xet does.
os.environ["HF_HUB_DISABLE_XET"] = "1"
# One thread: the small networks of tests gain nothing from more, and lose much where cores are shared.
os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

from tests.hub_server import WRITE_TOKEN, HubServer


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hub cache, used by this process and by those that it starts."""
    home = tmp_path / "huggingface"
    cache = home / "hub"
    for name, value in {"HF_HOME": home, "HF_HUB_CACHE": cache, "HF_TOKEN_PATH": home / "token"}.items():
        monkeypatch.setenv(name, str(value))
        monkeypatch.setattr(constants, name, str(value))
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(home / "agent_harnesses.json"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return cache


@pytest.fixture(scope="session")
def drawn_characters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset folder of procedural faces, with strangers. Not to be written to."""
    from tests.small_runs import write_drawn_characters

    return write_drawn_characters(tmp_path_factory.mktemp("data") / "drawn_characters")


@pytest.fixture(scope="session")
def finished_run(drawn_characters: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a classifier trained on `drawn_characters`. Not to be written to."""
    from tests.small_runs import train

    return train(drawn_characters, tmp_path_factory.mktemp("runs"))


@pytest.fixture
def hub(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A running stand-in Hub without repositories, in place of the real one, with an empty cache and no token."""
    with HubServer() as server:
        # huggingface_hub reads these from the environment when it is imported, which has long happened here.
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server
    close_session()


@pytest.fixture
def signed_in(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """The stand-in Hub, with the token of a user "rin" who may write; nobody waits before a second try."""
    monkeypatch.setenv("HF_TOKEN", WRITE_TOKEN)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    return hub


@pytest.fixture(scope="session")
def generator_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoint folder of a small generator with random weights. Not to be written to."""
    from tests.small_generators import small_generator

    return small_generator(tmp_path_factory.mktemp("generators") / "small")


@pytest.fixture(scope="session")
def fake_demo(generator_folder: Path) -> Iterator[str]:
    """Address of the demo with stand-ins for the models and a small generator."""
    from tests.apps.serving import served

    with served("tests.apps.serve_fakes", "--generator", str(generator_folder)) as address:
        yield address
