"""Deploying a Space: staged, committed once, set up, and waited for; or a clear word and nothing half done."""

from functools import cache
from pathlib import Path
from typing import Any

import deploy
import pytest
import staging
import yaml

from anime_models.hub_upload import remote_state
from tests.hub_server import Fault, HubServer

SPACE = "rin/anime-models"
# Following all imports takes longer than everything else here.
MODULES = cache(staging.modules)


@pytest.fixture(autouse=True)
def small_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights stay out, which makes the trees small, and imports are followed once."""

    def stage_without_weights(name: str, tree: Path, fields: dict[str, object], left_out: tuple[str, ...]) -> None:
        deploy_stage(name, tree, fields, ("detector", "characters", "emotions"))

    deploy_stage = deploy.stage
    monkeypatch.setattr(deploy, "stage", stage_without_weights)
    monkeypatch.setattr(staging, "modules", MODULES)


def run(name: str, *arguments: str, space: str = SPACE) -> int:
    return deploy.main([name, "--space", space, "--poll", "0", *arguments])


def front_matter(hub: HubServer) -> dict[str, object]:
    fields = yaml.safe_load(hub.repository(f"spaces/{SPACE}").content("README.md").decode().split("---\n")[1])
    assert isinstance(fields, dict)
    return fields


def titles(hub: HubServer) -> list[str]:
    repository = hub.repository(f"spaces/{SPACE}")
    return [repository.commits[oid].title for oid in repository.history("main")]


def test_the_demo_is_put_up_in_one_commit(signed_in: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("demo", "--hardware", "zero-a10g") == 0
    repository = signed_in.repository(f"spaces/{SPACE}")
    assert titles(signed_in) == ["Deploy demo", "initial commit"]
    assert repository.sdk == "gradio"
    assert repository.space.requested_hardware == "zero-a10g"
    assert {"app.py", "requirements.txt", "apps/demo/hosted.py"} <= set(repository.files())
    assert not any(path.startswith("spaces/") for path in repository.files())
    said = capsys.readouterr().out
    assert f"{SPACE}: BUILDING\n{SPACE}: APP_STARTING\n{SPACE} is RUNNING" in said


def test_settings_come_before_the_commit(signed_in: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "secret")
    arguments = ("--variable", "NAME=a=b", "--secret", "MY_KEY", "--from-hub", "emotions=rin/emotions")
    assert run("demo", *arguments, "--private") == 0
    repository = signed_in.repository(f"spaces/{SPACE}")
    assert repository.access == "private"
    assert repository.space.secrets == {"MY_KEY": "secret"}
    assert repository.space.variables == {
        "ANIME_MODELS_EMOTIONS": "rin/emotions",
        "ANIME_MODELS_PUBLIC": "0",
        "NAME": "a=b",
    }
    fields = front_matter(signed_in)
    assert fields["models"] == fields["preload_from_hub"] == ["rin/emotions"]
    order = [request.split("/")[-1] for request in signed_in.requests if request.startswith("POST")]
    assert order.index("variables") < order.index("secrets") < order.index("main")


def test_the_dashboard_knows_its_records(signed_in: HubServer) -> None:
    assert run("dashboard", "--records", "rin/records", "--records", "rin/more") == 0
    repository = signed_in.repository(f"spaces/{SPACE}")
    assert repository.sdk == "docker"
    assert repository.space.variables == {"RECORDS": "hf-hub:rin/records hf-hub:rin/more"}
    assert front_matter(signed_in)["datasets"] == ["rin/records", "rin/more"]
    assert "Dockerfile" in repository.files()


def test_a_space_is_changed_only_when_asked(signed_in: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("demo") == 0
    assert run("dashboard", "--variable", "A=b") == 1
    assert "--update" in capsys.readouterr().err
    assert not signed_in.repository(f"spaces/{SPACE}").space.variables
    assert run("dashboard", "--update") == 0
    assert not any("apps/demo" in path for path in signed_in.repository(f"spaces/{SPACE}").files())


def test_a_dry_run_writes_the_tree_and_asks_nobody(hub: HubServer, tmp_path: Path) -> None:
    assert deploy.main(["demo", "--dry-run", str(tmp_path / "tree"), "--hardware", "cpu-basic"]) == 0
    assert (tmp_path / "tree" / "app.py").is_file()
    assert "suggested_hardware: cpu-basic" in (tmp_path / "tree" / "README.md").read_text("utf-8")
    assert not hub.requests


@pytest.mark.parametrize("stage", ["BUILD_ERROR", "RUNTIME_ERROR", "CONFIG_ERROR"])
def test_a_space_that_does_not_build_is_told(
    signed_in: HubServer, capsys: pytest.CaptureFixture[str], stage: str
) -> None:
    repository = signed_in.create(f"spaces/{SPACE}", "gradio")
    repository.space.after_commit = ["BUILDING", stage]
    repository.space.error = "no matching distribution"
    assert run("demo") == 1
    assert f"is in the state {stage}: no matching distribution. Look at" in capsys.readouterr().err


def test_a_space_that_takes_too_long_is_told(signed_in: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    signed_in.create(f"spaces/{SPACE}", "gradio").space.after_commit = ["BUILDING"]
    assert run("demo", "--timeout", "0") == 1
    assert "is still BUILDING after 0 seconds" in capsys.readouterr().err


def test_an_older_build_that_still_runs_is_not_taken_for_the_new_one(
    signed_in: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("demo") == 0
    old = remote_state(SPACE, "space").parent
    looks: list[dict[str, Any]]
    looks = [{"stage": "RUNNING", "sha": old}, {"stage": "BUILDING", "sha": "new"}, {"stage": "RUNNING", "sha": "new"}]
    monkeypatch.setattr(deploy.HfApi, "get_space_runtime", lambda api, space: deploy.SpaceRuntime(looks.pop(0)))
    assert deploy.wait(SPACE, "new", timeout=60, poll=0).stage == "RUNNING"
    assert not looks


@pytest.mark.parametrize(
    ("fault", "message", "published"),
    [
        (Fault(status=401), "does not accept the token", False),
        (Fault(status=409, path="/api/repos/create"), "is taken", False),
        (Fault(status=403, path="*/variables"), "may not write", False),
        (Fault(status=412, path="*/commit/*"), "has changed since", False),
        (Fault(status=503, path="*/commit/*"), "is ill", False),
        (Fault(cut=True, path="*/commit/*"), "could not be reached", False),
        (Fault(status=402, path="*/hardware"), "The files are there, but the hardware is as it was.", True),
        (Fault(status=429, path="*/runtime"), "The files are there; look at", True),
    ],
)
def test_what_goes_wrong_says_how_things_stand(
    signed_in: HubServer, capsys: pytest.CaptureFixture[str], fault: Fault, message: str, published: bool
) -> None:
    signed_in.fail(fault)
    assert run("demo", "--hardware", "zero-a10g", "--variable", "A=b") == 1
    said = capsys.readouterr().err
    assert message in said
    assert ("Nothing was published." in said) != published
    signed_in.heal()
    space = signed_in.store.find("spaces", SPACE)
    assert published == (space is not None and "app.py" in space.files())
    assert run("demo", "--hardware", "zero-a10g", *(["--update"] if published else [])) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo"], "Name the Space with --space"),
        (["dashboard", "--space", SPACE, "--hardware", "zero-a10g"], "Gradio Spaces only"),
        (["dashboard", "--space", SPACE, "--from-hub", "emotions=rin/emotions"], "is for the demo"),
        (["demo", "--space", SPACE, "--secret", "NO_SUCH_NAME"], "The environment has no NO_SUCH_NAME"),
        (["demo", "--space", "anime models"], "Write it as owner/name"),
    ],
)
def test_what_makes_no_sense_is_refused(
    signed_in: HubServer, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert deploy.main(arguments) == 1
    assert message in capsys.readouterr().err
    assert signed_in.store.find("spaces", SPACE) is None


def test_a_folder_with_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").touch()
    assert deploy.main(["demo", "--dry-run", str(tmp_path)]) == 1
    assert "holds files already" in capsys.readouterr().err
