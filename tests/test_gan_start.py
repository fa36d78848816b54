"""Trainings of generators that go on from a trained one, or see the most typical pictures alone."""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from anime_models.errors import CheckpointError, ConfigError
from anime_models.gan_metrics import packaged_extractor
from anime_models.generator_checkpoint import load_generator
from anime_models.records import RunRecord, read_record, write_record
from tests.small_gans import SMOKE, train_small_gan, write_gan_faces
from training import train_gan
from training.generation.data import load_gan_data
from training.generation.loop import Adversaries
from training.generation.recipe import gan_at_scale, gan_recipe
from training.generation.selection import most_typical, num_typical, typical_data
from training.generation.start import gan_start

RECIPE = gan_at_scale(gan_recipe("ours"), "smoke")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gan_faces(tmp_path_factory.mktemp("data") / "faces64")


@pytest.fixture(scope="module")
def first(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a run from random weights."""
    return train_small_gan(faces, tmp_path_factory.mktemp("first")) / "checkpoint"


@pytest.fixture(scope="module")
def second(faces: Path, first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run from that one, on half of the pictures."""
    return train_small_gan(
        faces, tmp_path_factory.mktemp("second"), "--start", str(first), "--typical-share", "0.5", "--epochs", "3"
    )


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def record_of(folder: Path) -> RunRecord:
    return read_record(folder / "record.json")


def kept(folder: Path) -> int:
    """The epoch whose weights a run has kept, counted from 0."""
    selection = record_of(folder).selection
    assert selection is not None
    return selection.best_epoch


class TestStart:
    def test_both_networks_and_the_average_begin_with_its_weights(self, faces: Path, first: Path) -> None:
        start = gan_start(str(first), RECIPE, load_gan_data(faces, 64), packaged_extractor().name)
        adversaries = Adversaries(RECIPE, 10, "fp32", seed=0, start=start)
        stored = load_generator(first)
        for network, wanted in (
            (adversaries.generator, stored.generator),
            (adversaries.measured, stored.generator),
            (adversaries.discriminator, stored.discriminator),
        ):
            for name, tensor in wanted.state_dict().items():
                assert torch.equal(network.state_dict()[name], tensor)

    def test_the_record_names_it(self, first: Path, second: Path) -> None:
        files = [(first / f"{name}.safetensors").read_bytes() for name in ("model", "discriminator")]
        model = record_of(second).model
        assert model.start_weights == record_of(first).run_id
        assert model.start_digest == f"sha256:{hashlib.sha256(b''.join(files)).hexdigest()}"
        card = (second / "checkpoint" / "README.md").read_text()
        assert "on 40 faces of `faces64` (the 50% with the most typical features), from the weights of" in card
        assert record_of(first).run_id in card

    def test_its_epochs_go_on(self, first: Path, second: Path) -> None:
        """Up to those whose weights it holds; one of the new ones is kept."""
        before = kept(first) + 1
        assert [line["epoch"] for line in lines(second)] == list(range(before + 3))
        assert lines(second)[:before] == lines(first)[:before]
        assert before <= kept(second) < before + 3
        names = [path.name for path in sorted((second / "checkpoint" / "epochs").iterdir())]
        assert names == [f"epoch-{number:03}.webp" for number in range(1, before + 4)]
        strip = "epochs/epoch-001.webp"
        assert (second / "checkpoint" / strip).read_bytes() == (first / strip).read_bytes()

    def test_times_are_those_of_all_epochs_and_the_speed_is_its_own(self, first: Path, second: Path) -> None:
        timing, before = record_of(second).timing, kept(first) + 1
        assert timing is not None
        seconds = [line["seconds"] for line in lines(second)]
        assert timing.epochs_run == len(seconds)
        assert timing.total_seconds == pytest.approx(sum(seconds))
        assert timing.images_per_second == pytest.approx(3 * 16 / sum(seconds[before:]))  # of 20 pictures, one batch

    @pytest.mark.parametrize(
        "damage",
        [
            lambda text: text.replace('"seconds"', '"minutes"'),
            lambda text: "{" + text,
            lambda text: "",
            lambda text: text.replace('"epoch": 0.0', '"epoch": 7.0'),
        ],
        ids=["no seconds", "no JSON", "no line", "not the first epoch"],
    )
    def test_one_with_odd_figures_has_no_epochs_to_go_on_with(
        self, faces: Path, first: Path, tmp_path: Path, damage: Callable[[str], str]
    ) -> None:
        folder = tmp_path / "odd"
        shutil.copytree(first, folder)
        (folder / "metrics.jsonl").write_text(damage((first / "metrics.jsonl").read_text()))
        start = gan_start(str(folder), RECIPE, load_gan_data(faces, 64), packaged_extractor().name)
        assert (start.epochs, start.strips) == ((), ())

    def test_one_without_a_record_is_named_by_its_folder(self, faces: Path, first: Path, tmp_path: Path) -> None:
        shutil.copytree(first, tmp_path / "mine", ignore=shutil.ignore_patterns("record.json"))
        start = gan_start(str(tmp_path / "mine"), RECIPE, load_gan_data(faces, 64), packaged_extractor().name)
        assert (start.name, start.epochs) == ("mine", ())

    def test_a_start_without_a_name_is_refused(self, faces: Path, tmp_path: Path) -> None:
        assert train_gan.main(["--data", str(faces), *SMOKE, "--start", "", "--out", str(tmp_path / "runs")]) == 1
        assert not (tmp_path / "runs").exists()

    def test_a_killed_run_is_resumed_with_the_epochs_it_began_with_alone(
        self, faces: Path, first: Path, second: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The same weights without their figures would count the epochs anew."""
        folder = tmp_path / second.name
        shutil.copytree(second, folder)
        record = record_of(folder)
        assert record.recipe["epochs_before"] == kept(first) + 1
        record.status = "running"
        write_record(record, folder / "record.json")
        shutil.copytree(first, tmp_path / "bare", ignore=shutil.ignore_patterns("metrics.jsonl"))
        flags = ["--data", str(faces), *SMOKE, "--typical-share", "0.5", "--epochs", "3", "--resume", str(folder)]
        assert train_gan.main([*flags, "--start", str(tmp_path / "bare")]) == 1
        assert "epochs_before" in capsys.readouterr().err

    def test_one_of_other_faces_has_no_epochs_to_go_on_with(self, first: Path, tmp_path: Path) -> None:
        others = load_gan_data(write_gan_faces(tmp_path / "faces64", first=200), 64)
        start = gan_start(str(first), RECIPE, others, packaged_extractor().name)
        assert (start.epochs, start.strips) == ((), ())

    def test_a_run_is_not_resumed_from_another_one(
        self, faces: Path, first: Path, second: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        record = record_of(second)
        record.status = "running"
        write_record(record, second / "record.json")
        flags = ["--data", str(faces), *SMOKE, "--typical-share", "0.5", "--epochs", "3", "--resume", str(second)]
        try:
            assert train_gan.main(flags) == 1
        finally:
            record.status = "finished"
            write_record(record, second / "record.json")
        assert "began with start" in capsys.readouterr().err

    def test_residual_blocks_that_it_lacks_change_nothing_at_first(self, faces: Path, first: Path) -> None:
        data, extractor = load_gan_data(faces, 64), packaged_extractor().name
        grown = dataclasses.replace(RECIPE, residual=2)
        start = gan_start(str(first), grown, data, extractor)
        generators = [Adversaries(grown, 10, "fp32", seed=0, start=start).generator.eval() for _ in range(2)]
        latents = torch.randn(3, grown.latent_size)
        with torch.inference_mode():
            wanted = load_generator(first).generator(latents)
            assert torch.allclose(generators[0](latents), wanted, atol=1e-6)
        blocks = [generator.residuals.state_dict() for generator in generators]
        assert len(blocks[0]) > 0
        assert all(torch.equal(blocks[0][name], blocks[1][name]) for name in blocks[0])  # the seed's, not chance's

    def test_residual_blocks_learn_and_are_kept(self, faces: Path, first: Path, tmp_path: Path) -> None:
        folder = train_small_gan(faces, tmp_path, "--start", str(first), "--residual", "1") / "checkpoint"
        generator = load_generator(folder).generator
        assert generator.spec.residual == 1
        gains = [tensor for name, tensor in generator.residuals.state_dict().items() if "last_norm.weight" in name]
        assert len(gains) == 3
        assert all(gain.abs().max() > 0 for gain in gains)
        assert "1 residual block at each size" in (folder / "README.md").read_text()
        data, extractor = load_gan_data(faces, 64), packaged_extractor().name
        with pytest.raises(ConfigError, match="with --residual, at least as many residual blocks"):
            gan_start(str(folder), RECIPE, data, extractor)
        more = gan_start(str(folder), dataclasses.replace(RECIPE, residual=2), data, extractor)
        grown = Adversaries(dataclasses.replace(RECIPE, residual=2), 10, "fp32", seed=0, start=more).generator.eval()
        latents = torch.randn(3, RECIPE.latent_size)
        with torch.inference_mode():  # the blocks that it had are in their places, the new ones add nothing
            assert torch.allclose(grown(latents), generator(latents), atol=1e-6)

    def test_other_networks_are_refused(self, faces: Path, first: Path) -> None:
        wider = dataclasses.replace(RECIPE, generator_width=16)
        with pytest.raises(ConfigError, match="holds another network"):
            gan_start(str(first), wider, load_gan_data(faces, 64), packaged_extractor().name)

    def test_what_is_no_generator_is_refused(
        self, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert train_gan.main(["--data", str(faces), *SMOKE, "--start", str(tmp_path), "--out", str(tmp_path)]) == 1
        assert "config.json" in capsys.readouterr().err
        assert not list(tmp_path.iterdir())
        with pytest.raises(CheckpointError):
            gan_start(str(tmp_path), RECIPE, load_gan_data(faces, 64), packaged_extractor().name)


class TestTypicalShare:
    def test_what_lies_far_out_is_left_away(self) -> None:
        """Far by the spread of the features, not by their scale."""
        random = np.random.default_rng(0)
        values = random.normal(size=(100, 4)).astype(np.float32) * [100, 1, 1, 1]
        values[[7, 50], 1] = 9  # not much beside the first feature's spread
        rows = most_typical(values, 0.98)
        assert rows.tolist() == [row for row in range(100) if row not in (7, 50)]

    def test_more_features_than_pictures_can_be_told_apart(self) -> None:
        values = np.random.default_rng(0).normal(size=(20, 50))
        assert len(set(most_typical(values, 0.5))) == 10

    def test_a_share_is_rounded_up(self) -> None:
        assert (num_typical(3, 0.5), num_typical(10, 0.3), num_typical(7, 1.0)) == (2, 3, 7)
        assert (num_typical(100, 0.07), num_typical(100, 0.55)) == (7, 55)

    def test_the_pictures_are_the_most_typical_and_keep_their_order(self, faces: Path) -> None:
        data = load_gan_data(faces, 64)
        assert typical_data(data, 1.0, packaged_extractor()) is data
        fewer = typical_data(data, 0.25, packaged_extractor())
        places = [next(i for i, each in enumerate(data.train) if torch.equal(each, picture)) for picture in fewer.train]
        assert len(places) == 10
        assert places == sorted(places)
        assert torch.equal(fewer.held_out, data.held_out)

    @pytest.mark.parametrize("value", ["0", "1.5", "nan"])
    def test_a_share_that_is_none_is_refused(self, value: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            train_gan.parse(["--data", "x", "--typical-share", value])
        assert "is not above 0 and at most 1" in capsys.readouterr().err

    def test_a_share_that_makes_no_batch_is_told(
        self, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        flags = ["--data", str(faces), *SMOKE, "--typical-share", "0.2", "--out", str(tmp_path)]
        assert train_gan.main(flags) == 1
        assert "larger --typical-share" in capsys.readouterr().err
