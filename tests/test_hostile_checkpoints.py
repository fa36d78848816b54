"""A checkpoint of a stranger on the Hub loads or is refused by name; it runs nothing and gets no more than it may."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from anime_models.classifier import Classifier
from anime_models.errors import AnimeModelsError
from anime_models.generator import FaceGenerator
from tests.hub_server import HubServer
from tests.small_generators import small_generator
from tests.small_models import write_checkpoint

Change = Callable[[dict[str, Any]], object]
EMBEDDING: dict[str, Any] = {"task": "embedding", "label_names": [], "calibration": None, "strangers": None}


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


def changed(folder: Path, change: Change) -> Path:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    change(config)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config.update(label_names=[str(i) for i in range(20_001)]), "label_names"),
        (lambda config: config.update(backbone="os.system"), "There is no backbone 'os.system'"),
        (lambda config: config.update(auto_map={"AutoModel": "evil.Model"}), "auto_map"),
        (lambda config: config.update(head="eval"), "head"),
        (lambda config: config["preprocessing"].update(image_size=100_000), "preprocessing.image_size"),
        (lambda config: config["preprocessing"].update(mean=["a", 0, 0]), "preprocessing.mean"),
        (lambda config: config["preprocessing"].update(mean=[float("nan"), 0, 0]), "preprocessing.mean"),
        (lambda config: config["preprocessing"].update(std=[0, 0, 0]), "preprocessing.std"),
        (lambda config: config["calibration"].update(temperature=-1), "calibration.temperature"),
        (lambda config: config["calibration"].update(temperature=1e-300), "calibration.temperature"),
        (lambda config: config.update(format_version=2), "format_version"),
        (lambda config: config.update(EMBEDDING, embedding_size=10**9), "embedding_size"),
    ],
)
def test_configs_of_classifiers(hub: HubServer, tmp_path: Path, change: Change, message: str) -> None:
    hub.add("rin/faces", changed(write_checkpoint(tmp_path / "faces"), change))
    with pytest.raises(AnimeModelsError, match=message):
        Classifier.load("rin/faces")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config["generator"].update(width=10**6), "generator.width"),
        (lambda config: config["generator"].update(latent_size=10**9), "generator.latent_size"),
        (lambda config: config["discriminator"].update(image_size=8192), "discriminator.image_size"),
        (lambda config: config.update(family="evil"), "family"),
    ],
)
def test_configs_of_generators(hub: HubServer, tmp_path: Path, change: Change, message: str) -> None:
    hub.add("rin/dcgan", changed(small_generator(tmp_path / "dcgan", novelty=False, epochs=0), change))
    with pytest.raises(AnimeModelsError, match=message):
        FaceGenerator.load("rin/dcgan")


@pytest.mark.parametrize("name", ["config.json", "record.json"])
@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff\xfe\x00", b"", b"null"])
def test_files_that_are_no_json_of_ours(hub: HubServer, tmp_path: Path, name: str, content: bytes) -> None:
    (write_checkpoint(tmp_path / "faces") / name).write_bytes(content)
    hub.add("rin/faces", tmp_path / "faces")
    with pytest.raises(AnimeModelsError, match=f"^rin/faces/{name}: "):
        Classifier.load("rin/faces")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights * float("nan"), "holds NaN or infinite values"),
        (lambda weights: weights + float("inf"), "holds NaN or infinite values"),
        (lambda weights: weights.to(torch.float8_e5m2), r"is of the type torch\.float8_e5m2"),
        (lambda weights: weights.to(torch.complex64), r"is of the type torch\.complex64"),
    ],
)
def test_weights_that_are_no_numbers(
    hub: HubServer, tmp_path: Path, change: Callable[[Tensor], Tensor], message: str
) -> None:
    path = write_checkpoint(tmp_path / "faces") / "model.safetensors"
    tensors = load_file(path)
    key = next(key for key, tensor in tensors.items() if tensor.ndim > 1)
    tensors[key] = change(tensors[key])
    save_file(tensors, path)
    hub.add("rin/faces", tmp_path / "faces")
    with pytest.raises(AnimeModelsError, match=rf"^rin/faces/model\.safetensors: the key {key} {message}"):
        Classifier.load("rin/faces")


def test_errors_name_the_repository_and_not_the_server_s_folders(
    hub: HubServer, hub_cache: Path, tmp_path: Path
) -> None:
    repository = hub.add(
        "rin/faces", changed(write_checkpoint(tmp_path / "faces"), lambda c: c.update(calibration=None))
    )
    repository.commit({"config.json": b"{}"}, ref="refs/pr/1")
    hub.add("rin/dcgan", small_generator(tmp_path / "dcgan", novelty=False, epochs=0)).commit({"config.json": b"{}"})
    asked: list[tuple[Callable[[], object], str]] = [
        (lambda: Classifier.load("rin/faces"), "rin/faces/config.json: calibration is null"),
        (lambda: Classifier.load("hf-hub:rin/faces@refs/pr/1"), "rin/faces@refs/pr/1/config.json: "),
        (lambda: FaceGenerator.load("rin/dcgan"), "rin/dcgan/config.json: "),
    ]
    for load, beginning in asked:
        with pytest.raises(AnimeModelsError) as caught:
            load()
        assert str(caught.value).startswith(beginning)
        assert str(hub_cache) not in str(caught.value)
    with pytest.raises(AnimeModelsError, match=f"^{tmp_path}/faces/config.json: "):
        Classifier.load(f"local-dir:{tmp_path}/faces")


def test_no_code_runs(hub: HubServer, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    folder = write_checkpoint(tmp_path / "faces")
    bomb = pickle.dumps(Bomb(trace))
    (folder / "model.safetensors").write_bytes(bomb)
    (folder / "pytorch_model.bin").write_bytes(bomb)
    (folder / "modeling.py").write_text(f"open({str(trace)!r}, 'w')")
    hub.add("rin/faces", folder)
    with pytest.raises(AnimeModelsError, match=r"model\.safetensors is damaged"):
        Classifier.load("rin/faces")
    assert not {"pytorch_model.bin", "modeling.py"} & hub.downloads()
    assert not trace.exists()
