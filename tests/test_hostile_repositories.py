"""What a stranger can put into a repository, its names or its history, and what a bad line does on the way."""

from pathlib import Path

import pytest

from anime_models.errors import HubError
from anime_models.hub import MAX_FILES, local_folder
from tests.hub_server import Fault, HubServer

FILES = {"model.safetensors": b"old" * 1000, "config.json": b'{"is": "old"}', "README.md": b"# A model"}
NEWER = {"model.safetensors": b"new" * 1000, "config.json": b'{"is": "new"}', "README.md": b"# A model"}
OUTSIDE = ["../config.json", "/tmp/config.json", "a/../../config.json", "..", "..\\config.json", "a\0b.json"]
NO_REVISIONS = [
    *("../../../x", "/etc/hostname", "..", ".", "a/../b", "a//b", "a/.b", "a.lock", "a/", "/"),
    *("two words", "a:b", "a?", "a*", "a~1", "a^", "a@{1}", "a\\b", "a\0b", "x" * 201),
]


def read_folder(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", OUTSIDE)
def test_files_with_names_that_lead_out_are_refused(hub: HubServer, name: str) -> None:
    hub.create("rin/faces").commit(FILES | {name: b"{}"})
    with pytest.raises(HubError, match=r"a name that leads out of its folder.*choose another"):
        local_folder("rin/faces")
    assert not hub.downloads()


def test_names_of_files_in_any_script_come_through(hub: HubServer) -> None:
    files = FILES | {"顔/絵 #1?.json": b"{}", "100% é.json": b"[]", "..strange.json": b"{}"}
    hub.create("rin/faces").commit(files)
    assert read_folder(local_folder("rin/faces")) == files


@pytest.mark.parametrize("name", ["林/顔", "rin/café", "../..", "rin/..", "./rin", "rin/a--b", f"rin/{'x' * 97}"])
def test_names_that_the_hub_never_gives_are_none(name: str) -> None:
    with pytest.raises(HubError, match="not the name of a Hub repository"):
        local_folder(f"hf-hub:{name}")


@pytest.mark.parametrize("revision", ["refs/pr/1", "feature/faces", "v1.0", "日本"])
def test_revisions_may_hold_slashes(hub: HubServer, revision: str) -> None:
    repository = hub.create("rin/faces")
    repository.commit(FILES)
    repository.commit(NEWER, ref=revision)
    assert read_folder(local_folder(f"rin/faces@{revision}")) == NEWER
    hub.close()
    assert read_folder(local_folder("rin/faces", revision)) == NEWER


@pytest.mark.parametrize("is_public", ["0", "1"])
@pytest.mark.parametrize("revision", NO_REVISIONS)
def test_revisions_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch, revision: str, is_public: str) -> None:
    monkeypatch.setenv("ANIME_MODELS_PUBLIC", is_public)
    with pytest.raises(HubError, match="not the name of a Hub repository"):
        local_folder(f"hf-hub:rin/faces@{revision}")
    with pytest.raises(HubError, match="not the name of a revision"):
        local_folder("hf-hub:rin/faces", revision)


def test_too_many_files_are_refused(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.create("rin/faces").commit(FILES)
    monkeypatch.setitem(MAX_FILES, "model", 2)
    with pytest.raises(HubError, match=r"in 3 files; at most .* in 2 are fetched"):
        local_folder("rin/faces")
    assert not hub.downloads()


def test_sizes_that_are_not_told_count_as_too_large(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.create("rin/faces").commit(FILES)
    monkeypatch.setattr("tests.hub_parts.reading._blob", lambda entry: {})
    with pytest.raises(HubError, match=r"does not say how large .* is"):
        local_folder("rin/faces")
    assert not hub.downloads()


def test_a_download_that_breaks_leaves_no_half_of_a_model(signed_in: HubServer) -> None:
    repository = signed_in.create("rin/faces")
    repository.commit(FILES)
    signed_in.fail(Fault(cut=True, method="GET", path="/store/*"))
    with pytest.raises(HubError, match=r"could not be fetched.*not in the cache"):
        local_folder("rin/faces")
    signed_in.heal()
    assert read_folder(local_folder("rin/faces")) == FILES


def test_an_update_that_breaks_leaves_the_older_copy(signed_in: HubServer, caplog: pytest.LogCaptureFixture) -> None:
    repository = signed_in.create("rin/faces")
    repository.commit(FILES)
    local_folder("rin/faces")
    repository.commit(NEWER)
    signed_in.fail(Fault(cut=True, method="GET", path="/store/*"))
    assert read_folder(local_folder("rin/faces")) == FILES
    assert "using the cached copy" in caplog.text
    signed_in.heal()
    assert read_folder(local_folder("rin/faces")) == NEWER
    signed_in.close()
    assert read_folder(local_folder("rin/faces")) == NEWER


@pytest.mark.parametrize("access", ["private", "gated"])
def test_a_public_page_speaks_of_no_token_and_no_folder(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, access: str
) -> None:
    monkeypatch.setenv("ANIME_MODELS_PUBLIC", "1")
    repository = hub.create("rin/faces")
    repository.commit(FILES)
    repository.access = access
    for _ in range(2):
        with pytest.raises(HubError, match="Choose another repository") as caught:
            local_folder("rin/faces")
        assert not any(word in str(caught.value) for word in ("HF_TOKEN", "hf auth", "folder"))
        hub.close()
