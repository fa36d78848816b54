"""A checkpoint of a stranger on the Hub loads or is refused by name; it runs nothing and gets no more than it may."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
        (lambda config: config["calibration"].update(temperature=-1), "calibration.temperature"),
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
