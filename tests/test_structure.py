"""The rules of the house that no single module can hold: who imports whom, what is named how, what lies in the tree."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.readme_tree import with_tree

ROOT = Path(__file__).parent.parent
PACKAGES = ("anime_models", "apps", "training")
TRAINING_PARTS = ("common", "classification", "detection", "distillation", "generation", "publishing", "studies")
EMBEDDED = ROOT / "anime_models" / "embedded"
MEGABYTE = 1_000_000
MADE_FOLDERS = {"__pycache__", "build", "dist", "runs", "test-results"}
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"}
# Screenshots of our own pages with our own faces, what the demo offers as examples, and what our generator draws.
OWN_PICTURES = (
    "docs/",
    "apps/demo/examples/",
    "anime_models/embedded/generator/",
    "anime_models/embedded/records/studies/",
)


def repository_files() -> list[Path]:
    """Every file of the tree, relative to its root, apart from what .gitignore names and other tools make."""
    files = []
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = [
            name for name in subfolders if name not in MADE_FOLDERS and (name == ".ci" or not name.startswith("."))
        ]
        files += [(Path(folder) / name).relative_to(ROOT) for name in names]
    return files


def modules(*tops: str) -> list[Path]:
    return [path for path in repository_files() if path.suffix == ".py" and path.parts[0] in tops]


def imported_tops(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.partition(".")[0]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_import_rules_hold() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """A tree of the same rooms, a few lines in all, that keeps the rules of our pyproject.toml."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, text in {
        "anime_models/__init__.py": "",
        "anime_models/classifier.py": "import torch",
        "apps/__init__.py": "",
        "apps/demo.py": "import gradio\nimport anime_models.classifier",
        "training/__init__.py": "",
        "training/recipes.py": "import anime_models.classifier",
        **{f"training/{name}/__init__.py": "" for name in TRAINING_PARTS},
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    return tmp_path


def test_import_rules_allow_what_is_sound(small_tree: Path) -> None:
    assert lint_imports(small_tree).returncode == 0


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("anime_models/classifier.py", "from apps import demo"),
        ("anime_models/classifier.py", "import training.recipes"),
        ("anime_models/classifier.py", "import gradio as gr"),
        ("anime_models/classifier.py", "from streamlit import cache_resource"),
        ("anime_models/classifier.py", "def draw():\n    import plotly.graph_objects"),
        ("anime_models/__init__.py", "import anime_models.classifier"),
        ("apps/demo.py", "from training.recipes import Recipe"),
        ("apps/demo.py", "import spaces"),
        ("training/recipes.py", "import apps.demo"),
        *(("training/common/__init__.py", f"import training.{name}") for name in TRAINING_PARTS[1:]),
    ],
)
def test_import_rules_catch_a_breach(small_tree: Path, module: str, line: str) -> None:
    with (small_tree / module).open("a") as file:
        file.write(f"{line}\n")
    result = lint_imports(small_tree)
    assert result.returncode == 1
    assert "BROKEN" in result.stdout


def test_importing_the_package_is_light() -> None:
    heavy = ["torch", "torchvision", "timm", "datasets", "numpy", "PIL", "gradio", "streamlit", "plotly"]
    program = f"import sys, anime_models; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_library_is_required() -> None:
    required = set()
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            required.add(canonicalize_name(Requirement(line).name))
    providers = packages_distributions()
    for path in modules(*PACKAGES):
        for top in set(imported_tops(path)) - sys.stdlib_module_names - set(PACKAGES):
            names = {canonicalize_name(name) for name in providers.get(top, [])}
            assert names & required, f"{path} imports {top}, which requirements.txt does not name"


def test_no_module_hides_a_library() -> None:
    hidden = {"datasets", "gradio", "plotly", "spaces", "streamlit", "timm", "torch", "huggingface_hub"}
    assert not [path for path in modules(*PACKAGES, "spaces", "tests") if path.stem in hidden]
    assert not (ROOT / "spaces" / "__init__.py").exists()


def test_every_package_is_one() -> None:
    folders = {folder for path in modules(*PACKAGES) for folder in path.parents if folder != Path()}
    assert not [folder for folder in folders if not (ROOT / folder / "__init__.py").exists()]


def test_readme_shows_the_tree_as_it_is() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == with_tree(readme), "python -m tests.readme_tree writes it"


def test_embedded_files_are_small() -> None:
    sizes = {path: path.stat().st_size for path in EMBEDDED.rglob("*") if path.is_file()}
    assert not {path: size for path, size in sizes.items() if size > 20 * MEGABYTE}
    assert sum(sizes.values()) < 60 * MEGABYTE


def test_embedded_folders_are_whole_checkpoints() -> None:
    folders = {"characters", "emotions", "detector", "generator"}
    assert {path.name for path in EMBEDDED.iterdir() if path.is_dir()} >= folders
    for folder in folders:
        names = {path.name for path in (EMBEDDED / folder).iterdir()}
        assert names >= {"model.safetensors", "config.json", "README.md", "record.json"}, folder


def test_only_our_own_pictures_are_in_the_tree() -> None:
    pictures = [path for path in repository_files() if path.suffix.lower() in PICTURES]
    assert not [path for path in pictures if not path.as_posix().startswith(OWN_PICTURES)]


def test_tables_hold_answers_and_no_pictures() -> None:
    tables = [path for path in repository_files() if path.suffix == ".parquet"]
    columns = {path: set(pq.read_schema(ROOT / path).names) for path in tables}
    assert tables
    assert not [path for path, names in columns.items() if names != {"image_id", "label", "logits", "split"}]


def test_no_weights_are_pickles() -> None:
    pickles = {".bin", ".ckpt", ".joblib", ".npy", ".pickle", ".pkl", ".pt", ".pth"}
    assert not [path for path in repository_files() if path.suffix in pickles]
