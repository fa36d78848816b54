"""The stand-in Hub is one for the unmodified client: every call that the program makes, and a few more."""

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    SpaceHardware,
    constants,
    snapshot_download,
)
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile

from tests.hub_server import READ_TOKEN, WRITE_TOKEN, Fault, HubServer

ROOT = Path(__file__).parent.parent
SMALL, LARGE = b"# A card\n", bytes(range(256)) * 300


def additions(**files: bytes) -> list[CommitOperationAdd]:
    return [CommitOperationAdd(name.replace("_", "."), content) for name, content in files.items()]


@pytest.mark.parametrize("repo_type", ["model", "dataset", "space"])
def test_repositories_of_every_kind_go_there_and_back(signed_in: HubServer, repo_type: str, tmp_path: Path) -> None:
    api = HfApi()
    url = api.create_repo("rin/thing", repo_type=repo_type, space_sdk="docker" if repo_type == "space" else None)
    assert str(url).startswith(signed_in.url)
    first = api.repo_info("rin/thing", repo_type=repo_type).sha
    made = api.create_commit(
        "rin/thing",
        additions(notes_md=SMALL, weights_safetensors=LARGE),
        commit_message="Upload",
        repo_type=repo_type,
        parent_commit=first,
    )
    assert set(api.list_repo_files("rin/thing", repo_type=repo_type)) >= {"notes.md", "weights.safetensors"}
    titles = [commit.title for commit in api.list_repo_commits("rin/thing", repo_type=repo_type)]
    assert titles == ["Upload", "initial commit"]
    folder = Path(snapshot_download("rin/thing", repo_type=repo_type, local_dir=tmp_path))
    assert (folder / "weights.safetensors").read_bytes() == LARGE
    assert (folder / "notes.md").read_bytes() == SMALL
    removal = CommitOperationDelete("notes.md")
    later = api.create_commit("rin/thing", [removal], commit_message="Less", repo_type=repo_type)
    assert later.oid != made.oid
    assert "notes.md" not in api.list_repo_files("rin/thing", repo_type=repo_type)
    assert "notes.md" in api.list_repo_files("rin/thing", repo_type=repo_type, revision=made.oid)


def test_large_files_take_the_way_of_large_files(signed_in: HubServer) -> None:
    HfApi().create_repo("rin/thing")
    HfApi().create_commit("rin/thing", additions(a_md=SMALL, b_safetensors=LARGE), commit_message="Upload")
    assert [request.split("/")[1] for request in signed_in.requests if request.startswith("PUT")] == ["lfs"]
    (file,) = HfApi().get_paths_info("rin/thing", "b.safetensors")
    assert isinstance(file, RepoFile)
    assert file.lfs is not None
    assert file.lfs.size == len(LARGE)


@pytest.mark.usefixtures("hub")
def test_large_files_come_in_parts_where_asked(tmp_path: Path) -> None:
    with HubServer(part_bytes=20_000) as server:
        api = HfApi(server.url, WRITE_TOKEN)
        api.create_repo("rin/thing")
        api.create_commit("rin/thing", additions(b_safetensors=LARGE), commit_message="Upload")
        assert sum(request.startswith("PUT") for request in server.requests) == 4
        assert server.repository("rin/thing").content("b.safetensors") == LARGE


@pytest.mark.usefixtures("hub")
def test_clients_with_xet_are_served_by_regular_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    with HubServer(regular_only=True) as server:
        api = HfApi(server.url, WRITE_TOKEN)
        api.create_repo("rin/thing")
        api.create_commit("rin/thing", additions(b_safetensors=LARGE), commit_message="Upload")
        assert server.repository("rin/thing").content("b.safetensors") == LARGE


def test_its_folder_holds_everything_for_the_next_time(tmp_path: Path) -> None:
    with HubServer(tmp_path / "hub") as server:
        oid = server.create("datasets/rin/thing").commit({"a.md": SMALL})
    with HubServer(tmp_path / "hub") as server:
        repository = server.repository("datasets/rin/thing")
        assert repository.refs == {"main": oid}
        assert repository.content("a.md") == SMALL


@pytest.mark.parametrize(
    ("token", "repo_id", "status"),
    [("hf_wrong", "rin/thing", 401), (READ_TOKEN, "rin/thing", 403), (WRITE_TOKEN, "other/thing", 403)],
)
def test_tokens_count(hub: HubServer, token: str, repo_id: str, status: int) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi(token=token).create_repo(repo_id)
    assert caught.value.response.status_code == status


def test_private_repositories_are_seen_by_their_owners(hub: HubServer) -> None:
    hub.create("rin/thing").access = "private"
    assert HfApi(token=WRITE_TOKEN).model_info("rin/thing").private
    with pytest.raises(RepositoryNotFoundError):
        HfApi().model_info("rin/thing")


def test_spaces_have_settings_and_stages(signed_in: HubServer) -> None:
    api = HfApi()
    api.create_repo("rin/page", repo_type="space", space_sdk="gradio")
    assert api.get_space_runtime("rin/page").stage == "NO_APP_FILE"
    api.add_space_secret("rin/page", "KEY", "secret")
    assert set(api.get_space_secrets("rin/page")) == {"KEY"}
    assert api.add_space_variable("rin/page", "NAME", "value")["NAME"].value == "value"
    assert api.delete_space_variable("rin/page", "NAME") == {}
    runtime = api.request_space_hardware("rin/page", SpaceHardware.ZERO_A10G, sleep_time=3600)
    assert (runtime.requested_hardware, runtime.sleep_time) == ("zero-a10g", 3600)
    api.create_commit("rin/page", additions(app_py=b"print()"), commit_message="Upload", repo_type="space")
    stages = [api.get_space_runtime("rin/page").stage for _ in range(4)]
    assert stages == ["BUILDING", "APP_STARTING", "RUNNING", "RUNNING"]


@pytest.mark.parametrize(("status", "headers"), [(429, {"Retry-After": "0"}), (500, {}), (503, {})])
def test_faults_pass(signed_in: HubServer, status: int, headers: dict[str, str]) -> None:
    HfApi().create_repo("rin/thing")
    signed_in.fail(Fault(status=status, headers=headers, path="*/preupload/*", times=2))
    HfApi().create_commit("rin/thing", additions(a_md=SMALL), commit_message="Upload")
    assert sum("/preupload/" in request for request in signed_in.requests) == 3


def test_slow_answers_come(hub: HubServer) -> None:
    hub.create("rin/thing")
    hub.fail(Fault(slow=0.05))
    with pytest.raises(httpx2.TimeoutException):
        HfApi().model_info("rin/thing", timeout=0.01)
    assert HfApi().model_info("rin/thing", timeout=10).id == "rin/thing"


def test_faults_are_set_from_outside(hub: HubServer) -> None:
    with httpx2.Client(base_url=hub.url) as client:
        client.post("/_stand-in/faults", json={"status": 409, "path": "/api/*", "spare": 1})
        assert client.get("/api/models/rin/thing").status_code == 401
        assert client.get("/api/models/rin/thing").status_code == 409
        assert len(client.get("/_stand-in/faults").json()) == 1
        assert client.get("/_stand-in/requests").json() == ["GET /api/models/rin/thing"] * 2
        client.delete("/_stand-in/faults")
        assert client.get("/api/models/rin/thing").status_code == 401


def test_the_command_says_what_to_set(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.hub_server", "--folder", str(tmp_path / "hub"), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
    settings = dict(part.split("=", 1) for part in line.split()[1:])
    assert settings["HF_ENDPOINT"].startswith("http://127.0.0.1:")
    assert settings["HF_TOKEN"] == WRITE_TOKEN
