"""A folder or a Hub id becomes a local folder; whatever can go wrong on the way says what to do."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants

from anime_models.errors import HubError
from anime_models.hub import MAX_BYTES, local_folder
from tests.hub_parts.store import LARGE_FILES
from tests.hub_server import Fault, HubServer, Repository

CHECKPOINT = {
    "model.safetensors": b"weights" * 1000,
    "config.json": b'{"format_version": 1}',
    "record.json": b"{}",
    "README.md": b"# A model",
    "gallery/faces.parquet": b"PAR1",
    "epochs/epoch-001.webp": b"RIFF",
}
UNREAD = {"pytorch_model.bin": b"a pickle", "train.py": b"print()"}


@pytest.fixture
def repository(hub: HubServer) -> Repository:
    """A checkpoint, published as rin/faces, with a tag and with files that are not ours to load."""
    repository = hub.create("rin/faces")
    repository.commit(CHECKPOINT | UNREAD)
    repository.commit(CHECKPOINT | {"config.json": b'{"format_version": 0}'}, ref="v0")
    return repository


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_folder(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["rin/faces", "hf-hub:rin/faces", " rin/faces\n", "rin/faces@main"])
def test_repository_is_fetched_without_pickles_and_code(hub: HubServer, repository: Repository, name: str) -> None:
    assert read_folder(local_folder(name)) == CHECKPOINT
    assert not any(path in request for path in UNREAD for request in hub.requests)


@pytest.mark.parametrize(
    ("name", "revision"), [("rin/faces@v0", None), ("rin/faces", "v0"), ("hf-hub:rin/faces@v0", "v0")]
)
def test_revision_is_fetched(repository: Repository, name: str, revision: str | None) -> None:
    assert (local_folder(name, revision) / "config.json").read_bytes() == b'{"format_version": 0}'


def test_commit_is_a_revision(repository: Repository) -> None:
    first = repository.refs["main"]
    repository.commit({"config.json": b"newer"})
    assert read_folder(local_folder(f"rin/faces@{first}")) == CHECKPOINT
    assert read_folder(local_folder("rin/faces")) == {"config.json": b"newer"}


def test_second_load_downloads_nothing(hub: HubServer, repository: Repository) -> None:
    first = local_folder("rin/faces")
    hub.requests.clear()
    assert local_folder("rin/faces") == first
    assert not any("/resolve/" in request for request in hub.requests)


def test_unchanged_files_are_not_downloaded_again(hub: HubServer, repository: Repository) -> None:
    local_folder("rin/faces")
    hub.requests.clear()
    repository.commit(CHECKPOINT | {"README.md": b"# A better card"})
    assert (local_folder("rin/faces") / "README.md").read_bytes() == b"# A better card"
    assert hub.downloads() == {"README.md"}


def test_published_folder_comes_back_whole(hub: HubServer, in_tmp_path: Path) -> None:
    (in_tmp_path / "run" / "checkpoint").mkdir(parents=True)
    (in_tmp_path / "run" / "checkpoint" / "config.json").write_bytes(b"{}")
    hub.add("rin/new", in_tmp_path / "run")
    assert read_folder(local_folder("rin/new")) == {"checkpoint/config.json": b"{}"}


def test_cached_copy_serves_when_the_hub_is_gone(
    hub: HubServer, repository: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    folder = local_folder("rin/faces")
    hub.close()
    assert local_folder("rin/faces") == folder
    assert "using the cached copy" in caplog.text


@pytest.mark.parametrize(
    "fault", [Fault(status=429), Fault(status=500), Fault(status=503), Fault(cut=True), Fault(silent=True)]
)
def test_cached_copy_serves_when_the_hub_is_ill(
    hub: HubServer, repository: Repository, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    folder = local_folder("rin/faces")
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.1)
    hub.fail(fault)
    assert local_folder("rin/faces") == folder


def test_cached_copy_serves_in_offline_mode(
    hub: HubServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = local_folder("rin/faces")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert local_folder("rin/faces") == folder
    assert not hub.requests


def test_other_revision_is_not_taken_from_the_cache(hub: HubServer, repository: Repository) -> None:
    local_folder("rin/faces@v0")
    hub.close()
    with pytest.raises(HubError, match="not in the cache"):
        local_folder("rin/faces")


def test_half_fetched_copy_is_not_taken_for_a_whole_one(hub: HubServer, repository: Repository) -> None:
    repository.lost.add("record.json")
    with pytest.raises(HubError, match="does not hold"):
        local_folder("rin/faces")
    hub.close()
    with pytest.raises(HubError, match="not in the cache"):
        local_folder("rin/faces")


@pytest.mark.usefixtures("hub_cache")
def test_offline_mode_with_empty_cache_is_explained() -> None:
    with pytest.raises(HubError, match=r"HF_HUB_OFFLINE is set.*or give a folder"):
        local_folder("rin/faces")


def test_refused_connection_is_explained(hub: HubServer) -> None:
    hub.close()
    with pytest.raises(HubError, match=r"refused.*Try again when connected"):
        local_folder("rin/faces")


def test_silent_hub_is_given_up(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.1)
    hub.fail(Fault(silent=True))
    with pytest.raises(HubError, match=r"no answer within 0\.1 seconds"):
        local_folder("rin/faces")


@pytest.mark.parametrize("status", [401, 403])
def test_bad_token_is_explained(hub: HubServer, status: int) -> None:
    hub.fail(Fault(status=status))
    with pytest.raises(HubError, match=f"status {status} .check HF_TOKEN"):
        local_folder("rin/faces")


def test_server_that_is_no_hub_is_explained(hub: HubServer, repository: Repository) -> None:
    hub.fail(Fault(status=200))
    with pytest.raises(HubError, match="is no Hub"):
        local_folder("rin/faces")


@pytest.mark.usefixtures("hub")
def test_missing_repository_is_explained() -> None:
    with pytest.raises(HubError, match=r"no model repository rin/nothing .* Check the spelling"):
        local_folder("rin/nothing")


def test_private_repository_is_explained(repository: Repository) -> None:
    repository.access = "private"
    with pytest.raises(HubError, match="or it is private"):
        local_folder("rin/faces")


def test_gated_repository_is_explained(repository: Repository) -> None:
    repository.access = "gated"
    with pytest.raises(HubError, match=r"is gated\. Accept its terms"):
        local_folder("rin/faces")


def test_missing_revision_is_explained(repository: Repository) -> None:
    with pytest.raises(HubError, match="rin/faces has no revision v9"):
        local_folder("rin/faces@v9")


def test_repository_of_pickles_is_refused(hub: HubServer) -> None:
    hub.create("rin/pickles").commit(UNREAD)
    with pytest.raises(HubError, match=r"holds pytorch_model\.bin, a pickle.*ask for a safetensors version"):
        local_folder("rin/pickles")
    assert not hub.downloads()


def test_repository_without_files_of_ours_is_explained(hub: HubServer) -> None:
    hub.create("rin/code").commit({"train.py": b"print()"})
    with pytest.raises(HubError, match="holds no file of ours"):
        local_folder("rin/code")


def test_too_large_a_repository_is_refused(
    hub: HubServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MAX_BYTES, "model", 5000)
    with pytest.raises(HubError, match=r"would fetch 7,\d\d\d bytes .* at most 5,000"):
        local_folder("rin/faces")
    assert not hub.downloads()


def test_too_large_a_config_is_refused(hub: HubServer) -> None:
    hub.create("rin/huge").commit({"model.safetensors": b"", "config.json": b" " * 10_000_001})
    with pytest.raises(HubError, match=r"config\.json of .* has 10,000,001 bytes"):
        local_folder("rin/huge")
    assert not hub.downloads()


def test_data_set_is_fetched(hub: HubServer) -> None:
    hub.create("datasets/rin/faces").commit({"train.parquet": b"PAR1", "README.md": b"# Data", "load.py": b"print()"})
    assert set(read_folder(local_folder("rin/faces", repo_type="dataset"))) == {"train.parquet", "README.md"}
    with pytest.raises(HubError, match="no data set rin/other"):
        local_folder("rin/other", repo_type="dataset")


def test_cut_off_download_is_taken_up_again(
    signed_in: HubServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in.fail(Fault(cut=True, method="GET", path="/store/*", times=2))
    assert read_folder(local_folder("rin/faces")) == CHECKPOINT
    num_large = sum(name.endswith(LARGE_FILES) for name in CHECKPOINT)
    assert sum(request.startswith("GET /store/") for request in signed_in.requests) == num_large + 2


@pytest.mark.parametrize("name", ["rin/faces", "hf-hub:rin/faces", "rin/faces@main"])
def test_public_page_takes_public_repositories(
    repository: Repository, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (in_tmp_path / "rin" / "faces").mkdir(parents=True)
    monkeypatch.setenv("ANIME_MODELS_PUBLIC", "1")
    assert read_folder(local_folder(name)) == CHECKPOINT


@pytest.mark.parametrize(
    "name", ["{folder}", "local-dir:{folder}", "local-dir:rin/faces", "checkpoint", "~", "", "/etc"]
)
def test_public_page_says_nothing_of_folders(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (in_tmp_path / "checkpoint").mkdir()
    monkeypatch.setenv("ANIME_MODELS_PUBLIC", "1")
    answers = set()
    for folder in ("checkpoint", "nothing-here"):
        named = name.format(folder=in_tmp_path / folder)
        with pytest.raises(HubError, match="this page is public") as caught:
            local_folder(named)
        answers.add(str(caught.value).replace(named, ""))
    assert len(answers) == 1


def test_public_page_still_opens_paths_of_its_own(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANIME_MODELS_PUBLIC", "1")
    assert local_folder(in_tmp_path) == in_tmp_path


def test_public_page_opens_no_private_repository_of_its_owner(
    signed_in: HubServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.access = "private"
    monkeypatch.setenv("ANIME_MODELS_PUBLIC", "1")
    with pytest.raises(HubError, match="or it is private"):
        local_folder("rin/faces")
    monkeypatch.delenv("ANIME_MODELS_PUBLIC")
    assert read_folder(local_folder("rin/faces")) == CHECKPOINT


@pytest.mark.parametrize("prefix", ["", "./", "local-dir:", "local-dir:./"])
def test_folder_is_itself(in_tmp_path: Path, prefix: str) -> None:
    (in_tmp_path / "checkpoint").mkdir()
    assert local_folder(f"{prefix}checkpoint").resolve() == in_tmp_path / "checkpoint"


def test_path_is_always_a_folder(in_tmp_path: Path) -> None:
    (in_tmp_path / "rin" / "faces").mkdir(parents=True)
    assert local_folder(Path("rin/faces")) == Path("rin/faces")
    assert local_folder(in_tmp_path / "rin") == in_tmp_path / "rin"


def test_home_is_expanded(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(in_tmp_path))
    (in_tmp_path / "faces").mkdir()
    assert local_folder("~/faces") == in_tmp_path / "faces"


@pytest.mark.parametrize("name", ["rin/faces", "rin/faces@v0"])
def test_ambiguous_name_is_refused_with_both_ways_out(in_tmp_path: Path, repository: Repository, name: str) -> None:
    (in_tmp_path / name).mkdir(parents=True)
    with pytest.raises(HubError, match=f"local-dir:{name} for the folder or hf-hub:{name} for the Hub"):
        local_folder(name)
    assert local_folder(f"local-dir:{name}") == Path(name)
    assert "config.json" in read_folder(local_folder(f"hf-hub:{name}"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "name is empty"),
        ("  ", "name is empty"),
        ("local-dir:", "name is empty"),
        ("hf-hub:", "not the name of a Hub repository"),
        ("hf-hub:faces", "Write it as hf-hub:owner/name"),
        ("hf-hub:rin/fa ces", "not the name of a Hub repository"),
        ("nothing", 'no folder "nothing"'),
        ("local-dir:rin/faces", 'no folder "rin/faces"'),
        ("a/b/c", "or a Hub repository as owner/name"),
        ("../rin", "no folder"),
        ("rin/faces@", "no folder"),
        ("https://example.org/rin/faces", "owner/name"),
        ("~nobody-of-this-name/faces", "no folder"),
        ("x" * 5000, "no folder"),
        ("rin\0faces", "no folder"),
    ],
)
@pytest.mark.usefixtures("in_tmp_path", "hub")
def test_other_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(HubError, match=message):
        local_folder(name)


def test_file_is_refused(in_tmp_path: Path) -> None:
    (in_tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(HubError, match=r"is a file\. Give the folder"):
        local_folder("model.safetensors")


def test_folder_has_no_revision(in_tmp_path: Path) -> None:
    with pytest.raises(HubError, match="has no revisions"):
        local_folder(in_tmp_path, revision="v0")


@pytest.mark.usefixtures("repository")
def test_two_revisions_are_refused() -> None:
    with pytest.raises(HubError, match='already names a revision, and "v0" is another'):
        local_folder("rin/faces@main", revision="v0")


@pytest.mark.usefixtures("repository")
def test_stand_in_lists_branches() -> None:
    assert [branch.name for branch in HfApi().list_repo_refs("rin/faces").branches] == ["main", "v0"]
