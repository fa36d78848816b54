"""Each Space, as it is staged, starts and answers with its own requirements alone and without the network."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from staging import imported_names, read_front_matter

from anime_models.records import write_record
from tests.ask_spaces import ask_dashboard, ask_demo, ask_models
from tests.hub_server import HubServer
from tests.small_generators import small_generator
from tests.small_models import write_checkpoint
from tests.small_records import classifier_record
from tests.staged_spaces import OPTIONAL, ROOT, SPACES, link_site, required_by, resolved, running, stage
from training.publish import main as publish

# Without any site-packages: what is not linked is not there.
PYTHON = (sys.executable, "-S")
NAMES = ("demo", "dashboard")
ZERO_TORCH, ZERO_PYTHON = ("2.8.0", "2.9.1", "2.10.0", "2.11.0"), ("3.10.13", "3.12.12")


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The staged trees. Not to be written to."""
    folder = tmp_path_factory.mktemp("trees")
    return {name: stage(name, folder / name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_tree_has_what_runs_and_nothing_else(trees: dict[str, Path], name: str) -> None:
    tree = trees[name]
    assert {"README.md", "app.py", "requirements.txt", "LICENSE", "anime_models", "apps"} <= {
        p.name for p in tree.iterdir()
    }
    assert not [path for path in tree.rglob("*") if path.name in ("spaces", "tests", "training", "__pycache__", "runs")]
    assert {path.name for path in (tree / "apps").iterdir()} == {"__init__.py", name}
    assert (tree / "Dockerfile").exists() == (name == "dashboard")
    assert any(tree.rglob("*.safetensors")) == (name == "demo")


@pytest.mark.parametrize("name", NAMES)
def test_requirements_are_what_is_imported(trees: dict[str, Path], name: str) -> None:
    ours = {"anime_models", "apps"}
    tops = {top.partition(".")[0] for path in trees[name].rglob("*.py") for top in imported_names(path)}
    providers = packages_distributions()
    needed = {canonicalize_name(providers[top][0]) for top in tops - ours - sys.stdlib_module_names}
    named = {canonicalize_name(requirement.name) for requirement in required_by(trees[name] / "requirements.txt")}
    assert named - OPTIONAL == needed - {"pydantic-core"}


@pytest.mark.parametrize("name", NAMES)
def test_requirements_are_those_of_the_project(name: str) -> None:
    project = {canonicalize_name(r.name): r for r in required_by(ROOT / "requirements.txt")}
    for requirement in required_by(SPACES / name / "requirements.txt"):
        ours = project.get(canonicalize_name(requirement.name))
        if ours is None:
            assert requirement.name == "spaces"
        elif str(requirement.specifier).startswith("=="):
            assert ours.specifier.contains(str(requirement.specifier).removeprefix("=="))
        else:
            assert requirement.specifier == ours.specifier, requirement.name


def test_the_demo_s_versions_are_those_of_zero_gpu(trees: dict[str, Path]) -> None:
    fields, _ = read_front_matter(trees["demo"] / "README.md")
    pins = {r.name: r for r in required_by(trees["demo"] / "requirements.txt")}
    assert pins["torch"].specifier in [SpecifierSet(f"=={version}") for version in ZERO_TORCH]
    assert fields["python_version"] in ZERO_PYTHON
    assert pins["gradio"].specifier == SpecifierSet(f"=={fields['sdk_version']}")


@pytest.mark.parametrize("name", NAMES)
def test_front_matter_is_complete(trees: dict[str, Path], name: str) -> None:
    fields, _ = read_front_matter(trees[name] / "README.md")
    common = {
        *("title", "emoji", "colorFrom", "colorTo", "sdk", "short_description", "models", "datasets", "tags"),
        *("license", "suggested_hardware", "startup_duration_timeout", "preload_from_hub", "hf_oauth"),
    }
    assert common <= set(fields)
    assert ({"sdk_version", "python_version", "app_file"} if name == "demo" else {"app_port"}) <= set(fields)
    assert len(fields["short_description"]) <= 60


def test_the_demo_answers(hub: HubServer, trees: dict[str, Path], tmp_path: Path) -> None:
    hub.add("rin/emotions", write_checkpoint(tmp_path / "emotions"))
    hub.add("rin/dcgan", small_generator(tmp_path / "dcgan", novelty=False))
    site = link_site(tmp_path / "site-packages", resolved(required_by(trees["demo"] / "requirements.txt")))
    environment = {"PYTHONPATH": str(site), "HF_ENDPOINT": hub.url}
    with running(trees["demo"], PYTHON, environment, tmp_path) as address:
        ask_demo(address, tmp_path, "rin/emotions", "rin/dcgan")


def test_the_demo_takes_its_models_from_the_hub(hub: HubServer, tmp_path: Path) -> None:
    embedded = ROOT / "anime_models" / "embedded"
    names = ("detector", "characters", "emotions")
    arguments = []
    for name in names:
        hub.add(f"rin/{name}", embedded / name)
        arguments += ["--from-hub", f"{name}=rin/{name}"]
    hub.add("rin/generator", small_generator(tmp_path / "dcgan", novelty=False))
    tree = stage("demo", tmp_path / "demo", *arguments, "--from-hub", "generator=rin/generator")
    assert not list(tree.rglob("*.safetensors"))
    assert "- rin/detector\n" in (tree / "README.md").read_text("utf-8")
    site = link_site(tmp_path / "site-packages", resolved(required_by(tree / "requirements.txt")))
    elsewhere = {f"ANIME_MODELS_{name.upper()}": f"rin/{name}" for name in (*names, "generator")}
    with running(tree, PYTHON, {"PYTHONPATH": str(site), "HF_ENDPOINT": hub.url, **elsewhere}, tmp_path) as address:
        ask_models(address, tmp_path)


def test_the_dashboard_answers(signed_in: HubServer, trees: dict[str, Path], tmp_path: Path) -> None:
    record = classifier_record("mobilenet_v2", study=None)
    write_record(record, tmp_path / "runs" / record.run_id / "record.json")
    assert publish(["records", str(tmp_path / "runs"), "--repo", "rin/records", "--yes"]) == 0
    site = link_site(tmp_path / "site-packages", resolved(required_by(trees["dashboard"] / "requirements.txt")))
    environment = {"PYTHONPATH": str(site), "HF_ENDPOINT": signed_in.url, "RECORDS": "hf-hub:rin/records"}
    with running(trees["dashboard"], PYTHON, environment, tmp_path) as address:
        ask_dashboard(address, "Which model should I use")
    assert "record.json" in {Path(path).name for path in signed_in.downloads()}


def test_what_is_not_required_is_not_there(trees: dict[str, Path], tmp_path: Path) -> None:
    requirements = [r for r in required_by(trees["demo"] / "requirements.txt") if r.name != "timm"]
    site = link_site(tmp_path / "site-packages", resolved(requirements))
    for module, is_there in (("safetensors", True), ("timm", False), ("pytest", False)):
        command = [*PYTHON, "-c", f"import {module}"]
        done = subprocess.run(command, env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=False)
        assert ("ModuleNotFoundError" not in done.stderr) == is_there, done.stderr
