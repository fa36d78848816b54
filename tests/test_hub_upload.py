"""A folder goes to the Hub whole, in one commit, or not at all; whatever can go wrong says what to do."""

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

from anime_models.checkpoint_upload import push_checkpoint
from anime_models.errors import HubError
from anime_models.hub_upload import changes_of, push_folder, remote_state
from tests.hub_server import READ_TOKEN, WRITE_TOKEN, Fault, HubServer
from tests.small_models import write_checkpoint

CARD = b"---\nlicense: apache-2.0\n---\n# A card\n"
FILES = {"README.md": CARD, "config.json": b"{}", "a.safetensors": b"a" * 999, "b.safetensors": b"b" * 999}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "folder", FILES)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def contents(hub: HubServer, name: str = "rin/faces") -> dict[str, bytes]:
    repository = hub.repository(name)
    return {path: repository.content(path) for path in repository.files() if path != ".gitattributes"}


def titles(hub: HubServer, name: str = "rin/faces") -> list[str]:
    repository = hub.repository(name)
    return [repository.commits[oid].title for oid in repository.history("main")]


def push(folder: Path, repo_id: str = "rin/faces", **more: Any) -> str:
    return push_folder(folder, repo_id, message="Publish", **more).commit


def test_a_new_repository_gets_one_commit(signed_in: HubServer, folder: Path) -> None:
    published = push_folder(folder, "rin/faces", message="Publish")
    assert contents(signed_in) == FILES
    assert titles(signed_in) == ["Publish", "initial commit"]
    assert published.url == f"{signed_in.url}/rin/faces"
    assert published.commit == signed_in.repository("rin/faces").refs["main"]
    assert signed_in.repository("rin/faces").access == "public"


def test_an_organisation_s_private_data_set(signed_in: HubServer, tmp_path: Path) -> None:
    push(write(tmp_path / "data", {"train.parquet": b"PAR1"}), "studio/faces", repo_type="dataset", private=True)
    assert signed_in.repository("datasets/studio/faces").access == "private"


def test_the_same_again_is_no_commit(signed_in: HubServer, folder: Path) -> None:
    first = push(folder)
    assert push(folder) == first
    assert titles(signed_in) == ["Publish", "initial commit"]


def test_an_update_sends_what_changed_and_takes_out_what_went(signed_in: HubServer, folder: Path) -> None:
    push(folder)
    write(folder, {"config.json": b"{1}", "new.json": b"{}"})
    (folder / "b.safetensors").unlink()
    changes = changes_of(folder, remote_state("rin/faces"))
    assert (changes.added, changes.changed, changes.removed) == (("new.json",), ("config.json",), ("b.safetensors",))
    signed_in.requests.clear()
    push(folder, update=True)
    assert set(contents(signed_in)) == {"README.md", "config.json", "a.safetensors", "new.json"}
    assert not any(request.startswith("PUT") for request in signed_in.requests)


def test_what_the_folder_lacks_can_stay(signed_in: HubServer, folder: Path) -> None:
    push(folder)
    (folder / "b.safetensors").unlink()
    write(folder, {"c.json": b"{}"})
    push(folder, update=True, mirror=False)
    assert set(contents(signed_in)) == {*FILES, "c.json"}


def test_a_name_that_is_taken_is_left_alone(signed_in: HubServer, folder: Path) -> None:
    signed_in.create("rin/faces").commit({"mine.json": b"{}"})
    with pytest.raises(
        HubError, match=r"There is a model repository rin/faces already.*--update.*Nothing was published"
    ):
        push(folder)
    assert contents(signed_in) == {"mine.json": b"{}"}


def test_a_name_that_is_taken_meanwhile(signed_in: HubServer, folder: Path) -> None:
    signed_in.fail(Fault(status=409, path="/api/repos/create"))
    with pytest.raises(HubError, match=r"rin/faces is taken.*choose another name.*Nothing was published"):
        push(folder)


@pytest.mark.parametrize(
    ("token", "repo_id", "message"),
    [
        (None, "rin/faces", r"There is no token.*hf auth login"),
        ("hf_wrong", "rin/faces", r"does not accept the token.*HF_TOKEN"),
        (READ_TOKEN, "rin/faces", r"token of rin may only read"),
        (WRITE_TOKEN, "other/faces", r"who may publish as rin or studio, not as other"),
        (WRITE_TOKEN, "faces", r"Write it as owner/name"),
        (WRITE_TOKEN, "rin/fa ces", r"Write it as owner/name"),
    ],
)
def test_who_may_not_publish_is_told(
    signed_in: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, repo_id: str, message: str
) -> None:
    monkeypatch.delenv("HF_TOKEN") if token is None else monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(HubError, match=message):
        push(folder, repo_id)
    assert signed_in.store.find("models", repo_id) is None


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(status=403, path="*/commit/*"), r"may not write to rin/faces \(status 403\)"),
        (Fault(status=404, code="RepoNotFound", path="*/preupload/*"), r"rin/faces does not exist"),
        (Fault(status=409, path="*/commit/*"), r"somebody is changing it \(status 409\)"),
        (Fault(status=412, path="*/commit/*"), r"has changed since it was looked at \(status 412\)"),
        (Fault(status=429, path="*/preupload/*"), r"too many requests \(status 429\)"),
        (Fault(status=500, path="/lfs/*"), r"The Hub is ill \(status 500\)"),
        (Fault(status=503, path="*/commit/*"), r"The Hub is ill \(status 503\).*Run the same command again"),
        (Fault(status=418, message="I am a teapot", path="*/commit/*"), r"status 418: I am a teapot"),
        (Fault(cut=True, method="PUT"), r"could not be reached: .*Run the same command again"),
        (Fault(cut=True, path="*/commit/*"), r"could not be reached"),
        (Fault(status=200, path="/api/whoami-v2"), r"is no Hub"),
    ],
)
def test_what_goes_wrong_on_the_way_publishes_nothing(
    signed_in: HubServer, folder: Path, fault: Fault, message: str
) -> None:
    signed_in.fail(fault)
    with pytest.raises(HubError, match=message) as caught:
        push(folder)
    assert str(caught.value).endswith("Nothing was published.")
    if signed_in.store.find("models", "rin/faces"):
        assert titles(signed_in) == ["initial commit"]
    signed_in.heal()
    push(folder)
    assert contents(signed_in) == FILES


def test_a_broken_upload_goes_on_where_it_stopped(signed_in: HubServer, folder: Path) -> None:
    signed_in.fail(Fault(cut=True, method="PUT", spare=1))
    with pytest.raises(HubError, match="is not sent a second time"):
        push(folder)
    signed_in.heal()
    signed_in.requests.clear()
    push(folder)
    assert sum(request.startswith("PUT") for request in signed_in.requests) == 1
    assert contents(signed_in) == FILES


def test_a_lost_answer_is_no_lost_commit(signed_in: HubServer, folder: Path) -> None:
    signed_in.fail(Fault(cut_after=True, path="*/commit/*"))
    assert push(folder) == signed_in.repository("rin/faces").refs["main"]
    assert contents(signed_in) == FILES


def test_a_stale_parent_is_refused(signed_in: HubServer, folder: Path) -> None:
    parent = push(folder)
    signed_in.repository("rin/faces").commit({"theirs.json": b"{}"})
    with pytest.raises(HubError, match=r"not at .*: somebody changed it meanwhile"):
        push(folder, update=True, parent=parent)
    assert contents(signed_in) == {"theirs.json": b"{}"}


def test_of_two_uploads_at_once_one_is_told_to_look_again(
    signed_in: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(folder)
    send = HfApi.preupload_lfs_files

    def send_while_somebody_is_faster(api: HfApi, *arguments: Any, **more: Any) -> None:
        send(api, *arguments, **more)
        monkeypatch.setattr(HfApi, "preupload_lfs_files", send)
        push(write(folder.with_name("theirs"), FILES | {"a.safetensors": b"theirs"}), update=True)

    monkeypatch.setattr(HfApi, "preupload_lfs_files", send_while_somebody_is_faster)
    write(folder, {"a.safetensors": b"mine"})
    with pytest.raises(HubError, match=r"has changed since it was looked at \(status 412\).*Nothing was published"):
        push(folder, update=True)
    assert contents(signed_in)["a.safetensors"] == b"theirs"
    push(folder, update=True)
    assert contents(signed_in)["a.safetensors"] == b"mine"


@pytest.mark.parametrize("name", ["顔/絵 1.json", "100% #1?.json", "a&b=c.json"])
def test_names_of_files_in_any_script(signed_in: HubServer, folder: Path, name: str) -> None:
    push(write(folder, {name: b"{}"}))
    assert contents(signed_in) == FILES | {name: b"{}"}
    assert changes_of(folder, remote_state("rin/faces")).is_nothing


def test_no_network(hub: HubServer, folder: Path) -> None:
    hub.close()
    with pytest.raises(HubError, match=r"could not be reached: .*refused"):
        push(folder)


def test_a_silent_network(hub: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 0.1)
    hub.fail(Fault(silent=True))
    with pytest.raises(HubError, match=r"no answer within 0\.1 seconds"):
        push(folder)


@pytest.mark.usefixtures("hub_cache")
def test_offline_mode(folder: Path) -> None:
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        push(folder)


def test_a_card_that_the_hub_refuses(signed_in: HubServer, folder: Path) -> None:
    write(folder, {"README.md": b"---\nlicense: mine\n---\n"})
    with pytest.raises(HubError, match=r"does not accept the card.*license.*Correct the front matter"):
        push(folder)
    assert titles(signed_in) == ["initial commit"]


def test_pickles_stay_here(signed_in: HubServer, folder: Path) -> None:
    write(folder, {"deep/pytorch_model.bin": b"cos"})
    with pytest.raises(HubError, match=r"deep/pytorch_model\.bin .*is a pickle"):
        push(folder)
    assert not signed_in.store.find("models", "rin/faces")


@pytest.mark.parametrize("target", ["/etc/hostname", "/etc", "nowhere"])
def test_links_stay_here(signed_in: HubServer, folder: Path, target: str) -> None:
    (folder / "link.json").symlink_to(target)
    with pytest.raises(HubError, match=r"link\.json .*is a link"):
        push(folder)
    assert not signed_in.store.find("models", "rin/faces")


def test_an_empty_folder_is_nothing_to_publish(signed_in: HubServer, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="holds no files"):
        push(tmp_path)


def test_a_checkpoint_goes_from_python(signed_in: HubServer, tmp_path: Path) -> None:
    checkpoint = write(write_checkpoint(tmp_path / "emotions"), {"README.md": CARD, "notes.txt": b"not for others"})
    published = push_checkpoint(checkpoint, "rin/emotions")
    assert set(contents(signed_in, "rin/emotions")) == {"model.safetensors", "config.json", "record.json", "README.md"}
    assert published.commit == remote_state("rin/emotions").parent


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", b"cos\nsystem", r"model\.safetensors is damaged"),
        ("config.json", b"{}", r"config\.json names no task"),
        ("model.pt", b"", r"model\.pt in .*is a pickle"),
    ],
)
def test_a_folder_that_is_no_checkpoint_stays_here(
    signed_in: HubServer, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    checkpoint = write(write_checkpoint(tmp_path / "emotions"), {name: content})
    with pytest.raises(HubError, match=message):
        push_checkpoint(checkpoint, "rin/emotions")
    assert not signed_in.store.find("models", "rin/emotions")
