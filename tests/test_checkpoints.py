"""Checkpoint folders load strictly or say which file and which key is wrong; nothing in them can run code."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from anime_models import checkpoints
from anime_models.backbones import build_model
from anime_models.checkpoints import CheckpointConfig, load_checkpoint, save_checkpoint
from anime_models.errors import CheckpointError, RecordError
from tests.small_models import CALIBRATION, ENERGY_RULE, make_config, make_record, write_checkpoint

NUM_FEATURES = 1280


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("models") / "whole")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A checkpoint that the test may damage."""
    return Path(shutil.copytree(whole, tmp_path / "checkpoint"))


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    fields = json.loads((folder / "config.json").read_text())
    change(fields)
    (folder / "config.json").write_text(json.dumps(fields))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")


def test_what_was_saved_is_loaded(folder: Path) -> None:
    loaded = load_checkpoint(folder)
    assert loaded.config == make_config()
    assert loaded.record == make_record()
    assert loaded.class_means is None
    assert loaded.folder == folder
    assert (folder / "README.md").read_text() == "# A card\n"
    assert not loaded.model.training
    assert all(parameter.dtype == torch.float32 for parameter in loaded.model.parameters())


def test_it_holds_the_files_of_the_format_and_no_others(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", "config.json", "README.md", "record.json"}


def test_the_file_is_half_the_size_of_the_model(folder: Path) -> None:
    model = load_checkpoint(folder).model
    full = sum(parameter.numel() * 4 for parameter in model.parameters())
    assert (folder / "model.safetensors").stat().st_size < 0.6 * full


def test_a_string_will_do_for_a_path_and_a_record_may_be_missing(folder: Path) -> None:
    (folder / "record.json").unlink()
    assert load_checkpoint(str(folder)).record is None


def test_a_damaged_record_is_named(folder: Path) -> None:
    (folder / "record.json").write_text("{}")
    with pytest.raises(RecordError, match=r"record\.json: run_id: Field required"):
        load_checkpoint(folder)


class TestWeights:
    def test_missing_key(self, folder: Path) -> None:
        change_weights(folder, lambda state: state.pop("head.bias"))
        with pytest.raises(CheckpointError, match=r"model\.safetensors: the key head\.bias is missing"):
            load_checkpoint(folder)

    def test_unexpected_key(self, folder: Path) -> None:
        change_weights(folder, lambda state: state.update({"head.extra": torch.zeros(2)}))
        with pytest.raises(CheckpointError, match=r"model\.safetensors: the key head\.extra is unexpected"):
            load_checkpoint(folder)

    def test_wrong_shape(self, folder: Path) -> None:
        change_weights(folder, lambda state: state.update({"head.bias": torch.zeros(4)}))
        with pytest.raises(CheckpointError, match=r"the key head\.bias has the shape \[4\] instead of \[3\]"):
            load_checkpoint(folder)

    def test_another_architecture(self, folder: Path) -> None:
        change_config(folder, lambda fields: fields.update(backbone="efficientnet_lite0"))
        with pytest.raises(CheckpointError, match=r"model\.safetensors: the key .* is missing.*config\.json"):
            load_checkpoint(folder)

    @pytest.mark.parametrize("keep", [0, 7, 1000, -1])
    def test_cut_off(self, folder: Path, keep: int) -> None:
        path = folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged .*fetch the checkpoint again"):
            load_checkpoint(folder)

    def test_missing_file(self, folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        with pytest.raises(CheckpointError, match=r"model\.safetensors does not exist"):
            load_checkpoint(folder)


class TestConfig:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"colour": "red"}, "colour: Extra inputs are not permitted"),
            ({"format_version": 2}, "format_version: Input should be 1"),
            ({"label_names": ["One"]}, "label_names: .*at least 2 classes"),
            ({"label_names": ["One", "Two", "One"]}, "label_names: .*two classes have the same name"),
            ({"label_details": [{"series": "A"}]}, "label_details: .*must be empty or as long as label_names"),
            ({"backbone": "resnet19"}, "There is no backbone 'resnet19'"),
            ({"head": "fancy"}, "There is no head 'fancy'"),
        ],
    )
    def test_wrong_value(self, folder: Path, change: dict[str, Any], message: str) -> None:
        change_config(folder, lambda fields: fields.update(change))
        with pytest.raises(CheckpointError, match=rf"config\.json: {message}"):
            load_checkpoint(folder)

    @pytest.mark.parametrize(
        ("part", "change", "key"),
        [
            ("preprocessing", {"crop": 3}, "preprocessing.crop"),
            ("preprocessing", {"image_size": 0}, "preprocessing.image_size"),
            ("preprocessing", {"resize": 48}, "preprocessing.resize"),
            ("calibration", {"temperature": -1.0}, "calibration.temperature"),
            ("calibration", {"temperature": 0}, "calibration.temperature"),
            ("strangers", {"method": "guessing"}, "strangers.method"),
        ],
    )
    def test_wrong_value_inside(self, folder: Path, part: str, change: dict[str, Any], key: str) -> None:
        change_config(folder, lambda fields: fields[part].update(change))
        with pytest.raises(CheckpointError, match=rf"config\.json: {key}: "):
            load_checkpoint(folder)

    @pytest.mark.parametrize("key", ["task", "backbone", "label_names", "preprocessing", "start_weights"])
    def test_missing_key(self, folder: Path, key: str) -> None:
        change_config(folder, lambda fields: fields.pop(key))
        with pytest.raises(CheckpointError, match=rf"config\.json: {key}: Field required"):
            load_checkpoint(folder)

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe\x00", b"null"])
    def test_no_json_object(self, folder: Path, content: bytes) -> None:
        (folder / "config.json").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"config\.json: the file: "):
            load_checkpoint(folder)

    def test_missing_file_or_folder(self, folder: Path) -> None:
        with pytest.raises(CheckpointError, match=r"nowhere/config\.json cannot be read \(No such file"):
            load_checkpoint(folder.parent / "nowhere")
        (folder / "config.json").unlink()
        with pytest.raises(CheckpointError, match=r"config\.json cannot be read.*complete checkpoint folder"):
            load_checkpoint(folder)

    def test_the_width_of_the_model_counts_the_output_for_strangers(self) -> None:
        assert make_config().num_outputs == 3
        assert make_config(stranger_output=True).num_outputs == 4


class TestEmbedding:
    """A checkpoint without classes: start weights for classifiers."""

    FIELDS: ClassVar[dict[str, Any]] = {
        "task": "embedding",
        "label_names": (),
        "calibration": None,
        "strangers": None,
        "embedding_size": 12,
    }

    def test_it_travels(self, tmp_path: Path) -> None:
        config = make_config(**self.FIELDS)
        save_checkpoint(tmp_path, build_model(config.backbone, config.head, 12, 64), config, make_record(), "")
        loaded = load_checkpoint(tmp_path)
        assert loaded.config == config
        with torch.inference_mode():
            assert loaded.model(torch.zeros(1, 3, 64, 64)).shape == (1, 12)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"label_names": ["One", "Two"]}, "label_names: .*an embedding names no classes"),
            ({"label_details": [{}]}, "label_details: .*must be empty or as long as label_names"),
            ({"stranger_output": True}, "stranger_output: .*an embedding names no classes"),
            ({"strangers": ENERGY_RULE.model_dump(mode="json")}, "strangers: .*an embedding names no classes"),
            ({"calibration": CALIBRATION.model_dump(mode="json")}, "calibration: .*an embedding names no classes"),
            ({"embedding_size": None}, "embedding_size: .*goes with the task 'embedding'"),
            ({"embedding_size": 0}, "embedding_size: Input should be greater than or equal to 1"),
            ({"embedding_size": 13}, None),
        ],
    )
    def test_it_is_read_strictly(self, tmp_path: Path, change: dict[str, Any], message: str | None) -> None:
        config = make_config(**self.FIELDS)
        save_checkpoint(tmp_path, build_model(config.backbone, config.head, 12, 64), config, make_record(), "")
        change_config(tmp_path, lambda fields: fields.update(change))
        where = (
            r"model\.safetensors: the key head\.(bias|weight) has" if message is None else rf"config\.json: {message}"
        )
        with pytest.raises(CheckpointError, match=where):
            load_checkpoint(tmp_path)

    def test_a_classifier_has_no_embedding_size(self, folder: Path) -> None:
        change_config(folder, lambda fields: fields.update(embedding_size=12))
        with pytest.raises(CheckpointError, match=r"config\.json: embedding_size: .*goes with the task 'embedding'"):
            load_checkpoint(folder)


class TestClassMeans:
    RULE = ENERGY_RULE.model_copy(update={"method": "distance"})

    def test_they_travel_with_the_checkpoint(self, tmp_path: Path) -> None:
        means = np.random.default_rng(0).normal(size=(3, NUM_FEATURES))
        folder = write_checkpoint(tmp_path / "checkpoint", class_means=means, strangers=self.RULE)
        loaded = load_checkpoint(folder).class_means
        assert loaded is not None
        np.testing.assert_array_equal(loaded, means)

    @pytest.mark.parametrize(
        ("tensors", "message"),
        [
            ({"means": torch.zeros(3, NUM_FEATURES)}, "the key means is unexpected"),
            ({"class_means": torch.zeros(2, NUM_FEATURES)}, r"class_means has the shape \[2, 1280\] instead of"),
            ({"class_means": torch.zeros(3, 8)}, r"class_means has the shape \[3, 8\] instead of \[3, 1280\]"),
        ],
    )
    def test_they_are_read_strictly(self, tmp_path: Path, tensors: dict[str, torch.Tensor], message: str) -> None:
        folder = write_checkpoint(tmp_path / "checkpoint", strangers=self.RULE)
        save_file(tensors, folder / "class_means.safetensors")
        with pytest.raises(CheckpointError, match=rf"class_means\.safetensors: {message}"):
            load_checkpoint(folder)

    def test_a_rule_by_distance_needs_them(self, tmp_path: Path) -> None:
        folder = write_checkpoint(tmp_path / "checkpoint", strangers=self.RULE)
        with pytest.raises(CheckpointError, match=r"class_means\.safetensors does not exist"):
            load_checkpoint(folder)


class TestHalfWritten:
    @pytest.mark.parametrize("step", ["save_file", "write_record", "write_config"])
    def test_it_does_not_load(self, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
        """A kill at any step, also while a whole checkpoint is being replaced."""
        model, config = load_checkpoint(folder).model, make_config()

        def die(*arguments: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(checkpoints, step, die)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(folder, model, config, make_record(), "")
        with pytest.raises(CheckpointError, match=r"config\.json cannot be read"):
            load_checkpoint(folder)

    def test_config_is_never_half_there(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        before = (folder / "config.json").read_bytes()

        def die(path: Path, target: Path) -> Path:
            raise KeyboardInterrupt

        monkeypatch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.write_config(folder, make_config(task="character"))
        assert (folder / "config.json").read_bytes() == before


class Bomb:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


class TestPickles:
    def test_one_under_our_name_is_not_run(self, folder: Path, tmp_path: Path) -> None:
        (folder / "model.safetensors").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
        with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged"):
            load_checkpoint(folder)
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth", "model.ckpt"])
    def test_one_under_its_own_name_is_ignored(self, folder: Path, tmp_path: Path, name: str) -> None:
        (folder / name).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
        load_checkpoint(folder)
        (folder / "model.safetensors").unlink()
        with pytest.raises(CheckpointError, match=r"model\.safetensors does not exist"):
            load_checkpoint(folder)
        assert not (tmp_path / "ran").exists()

    def test_the_bomb_would_go_off(self, tmp_path: Path) -> None:
        pickle.loads(pickle.dumps(Bomb(tmp_path / "ran")))
        assert (tmp_path / "ran").exists()


def test_design_s_example_of_a_config_is_read() -> None:
    """`config.json` as the format describes it, with the two thresholds that it leaves out."""
    example = {
        "format_version": 1,
        "task": "emotion",
        "backbone": "vit_small_16",
        "head": "plain",
        "label_names": ["Angry", "Happy"],
        "preprocessing": {
            "image_size": 128,
            "resize": 146,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "interpolation": "bicubic",
        },
        "calibration": {
            "method": "temperature",
            "temperature": 1.37,
            "conformal": {"method": "aps", "alpha": 0.1, "threshold": 0.87},
            "abstention": {"selective_risk": 0.05, "threshold": 0.6},
            "fitted_on": "validation",
            "num_images": 150,
        },
        "start_weights": "distilled:efficientnet_lite0",
    }
    config = CheckpointConfig.model_validate_json(json.dumps(example))
    assert config.calibration is not None
    assert config.calibration.temperature == 1.37
    assert config.strangers is None
