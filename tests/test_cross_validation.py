"""Runs over group folds: what a cross-validation and a cross-fit leave behind."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from anime_models.checkpoints import load_checkpoint
from anime_models.errors import ConfigError
from anime_models.face_datasets import SPLITS, FaceDataset, load_split
from anime_models.records import read_record
from tests.parquet_files import write_split
from tests.small_models import noise
from tests.small_runs import Killed, killed_after
from training import evaluate, recipes
from training.classification import cross_validation
from training.classification import run as classifier_run
from training.classification.folds import group_folds, held_out_folds
from training.recipes import recipe_named
from training.train_classifier import main

SMOKE = ("--recipe", "smoke", "--epochs", "1", "--image-size", "32", "--threads", "1", "--precision", "fp32")


def dataset_of(num_groups: int, per_group: int, prefix: str) -> FaceDataset:
    total = num_groups * per_group
    return FaceDataset(
        images=tuple(noise(0) for _ in range(total)),
        labels=np.arange(total) % 2,
        label_names=("A", "B"),
        ids=tuple(f"{prefix}{i}" for i in range(total)),
        groups=tuple(f"{prefix}-group{i // per_group}" for i in range(total)),
        sources=("",) * total,
        details=({}, {}),
    )


class TestFolds:
    @pytest.mark.parametrize(("num_folds", "per_group"), [(2, 3), (5, 1), (5, 4)])
    def test_no_group_is_in_two_splits_and_every_picture_is_tested_once(self, num_folds: int, per_group: int) -> None:
        sizes = {"train": 16, "validation": 5, "test": 5}
        splits = {split: dataset_of(size, per_group, split) for split, size in sizes.items()}
        tested: list[str] = []
        folds = list(group_folds(splits, num_folds, seed=3))
        assert len(folds) == num_folds
        for fold in folds:
            groups = [set(fold[split].groups) for split in SPLITS]
            assert not groups[0] & groups[1]
            assert not groups[0] & groups[2]
            assert not groups[1] & groups[2]
            assert all(set(fold[split].labels) == {0, 1} for split in SPLITS)
            assert sum(len(fold[split]) for split in SPLITS) == 26 * per_group
            tested += fold["test"].ids
        assert sorted(tested) == sorted(name for data in splits.values() for name in data.ids)

    def test_a_seed_deals_them_the_same_way(self) -> None:
        splits = {split: dataset_of(10, 2, split) for split in SPLITS}
        first, again, other = ([fold["test"].ids for fold in group_folds(splits, 3, seed)] for seed in (1, 1, 2))
        assert first == again != other

    @pytest.mark.parametrize("num_folds", [-1, 1, 30])
    def test_too_few_groups_or_folds_are_refused(self, num_folds: int) -> None:
        splits = {split: dataset_of(10, 2, split) for split in SPLITS}
        with pytest.raises(ConfigError, match=f"Cannot make {num_folds} folds of 30 groups"):
            next(group_folds(splits, num_folds, seed=1))

    def test_a_class_of_too_few_groups_or_pictures_is_refused(self) -> None:
        data = dataset_of(20, 1, "p")
        rare = replace(data, labels=np.array([1] + [0] * 19))
        with pytest.raises(ConfigError, match="folds of 1 groups of B"):
            next(held_out_folds(rare, 2, seed=1))
        few = {
            split: replace(dataset_of(5, 1, split), labels=np.arange(5) % 3, label_names=("A", "B", "C"))
            for split in SPLITS
        }
        with pytest.raises(ConfigError, match="Cannot make 8 parts of 7 pictures"):
            next(group_folds(few, 2, seed=1))

    def test_a_cross_validation_leaves_a_run_for_each_fold(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data, groups = self.write_grouped(tmp_path / "data")
        flags = ["--data", str(data), "--task", "emotion", *SMOKE, "--folds", "2"]
        with monkeypatch.context() as patch:
            patch.setattr(classifier_run, "calibrate", killed_after(1, classifier_run.calibrate))
            with pytest.raises(Killed):
                main([*flags, "--out", str(tmp_path / "runs")])
        (folder,) = (tmp_path / "runs").iterdir()
        first = (folder / "fold-0" / "record.json").read_bytes()
        assert main([*flags, "--resume", str(folder)]) == 0
        assert (folder / "fold-0" / "record.json").read_bytes() == first, "a finished fold is not trained again"
        record = read_record(folder / "record.json")
        assert record.status == "finished"
        scores = np.array(
            [read_record(folder / f"fold-{i}" / "record.json").value("macro_f1") for i in range(2)], dtype=float
        )
        assert [record.value("macro_f1", f"fold_{i}") for i in range(2)] == scores.tolist()
        assert record.value("macro_f1_mean", "folds") == pytest.approx(np.mean(scores))
        assert record.value("macro_f1_sd", "folds") == pytest.approx(np.std(scores, ddof=1))
        tested = []
        for i in range(2):
            rows = pq.read_table(folder / f"fold-{i}" / "predictions.parquet").to_pylist()
            of_split = {split: {groups[r["image_id"]] for r in rows if r["split"] == split} for split in SPLITS}
            assert not of_split["test"] & (of_split["train"] | of_split["validation"])
            assert not of_split["validation"] & of_split["train"]
            tested += [row["image_id"] for row in rows if row["split"] == "test"]
        assert sorted(tested) == sorted(groups)

    @staticmethod
    def write_grouped(folder: Path) -> tuple[Path, dict[str, str]]:
        """Forty pictures of twenty groups; returns also the group of each image id."""
        for start, split in ((0, "train"), (24, "validation"), (32, "test")):
            count = 24 if split == "train" else 8
            write_split(
                folder / f"{split}.parquet",
                [noise(start + i, (32, 32)) for i in range(count)],
                labels=[i % 2 for i in range(count)],
                names=("Happy", "Sad"),
                group=[f"g{(start + i) // 2}" for i in range(count)],
            )
        loaded = [load_split(folder, split) for split in SPLITS]
        return folder, {name: group for data in loaded for name, group in zip(data.ids, data.groups, strict=True)}


class TestCrossFit:
    @pytest.fixture(scope="class")
    @staticmethod
    def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder, _ = TestFolds.write_grouped(tmp_path_factory.mktemp("grouped") / "data")
        for start, split in ((0, "train"), (24, "validation"), (32, "test")):
            pictures = [noise(100 + start + i, (32, 32)) for i in range(4)]
            write_split(folder / f"neutral_{split}.parquet", pictures, group=[f"g{(start + i) // 2}" for i in range(4)])
        return folder

    @pytest.fixture(scope="class")
    @staticmethod
    def flags(data: Path) -> list[str]:
        return ["--data", str(data), "--task", "emotion", "--strangers", "neutral", "--cross-fit", "2", *SMOKE]

    @pytest.fixture
    @staticmethod
    def last_epoch_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(recipes.RECIPES, "smoke", replace(recipe_named("smoke"), keep="last", stranger_share=0.2))

    @pytest.mark.usefixtures("last_epoch_recipe")
    def test_it_trains_on_all_but_test_and_calibrates_on_what_each_fold_lacks(
        self, data: Path, flags: list[str], tmp_path: Path
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cross_validation, "fitting_on", killed_after(1, cross_validation.fitting_on))
            with pytest.raises(Killed):
                main([*flags, "--out", str(tmp_path)])
        (folder,) = tmp_path.iterdir()
        first = (folder / "fold-0" / "out_of_fold.npz").read_bytes()
        assert main([*flags, "--resume", str(folder)]) == 0
        assert (folder / "fold-0" / "out_of_fold.npz").read_bytes() == first, "a finished fold is not trained again"
        record = read_record(folder / "record.json")
        assert (record.status, record.strategy) == ("finished", "full")
        assert record.dataset.num_images == {"train": 32, "test": 8, "strangers_train": 8, "strangers_test": 4}
        assert record.selection is not None
        assert record.selection.metric == "last epoch"
        with (
            np.load(folder / "fold-0" / "out_of_fold.npz") as one,
            np.load(folder / "fold-1" / "out_of_fold.npz") as two,
        ):
            labels = np.concatenate([one["labels"], two["labels"]])
            logits = np.concatenate([one["logits"], two["logits"]])
        assert len(labels) == 32
        assert record.value("accuracy", "out_of_fold") == pytest.approx(np.mean(logits.argmax(axis=1) == labels))
        config = load_checkpoint(folder / "checkpoint").config
        assert config.calibration is not None
        assert (config.calibration.fitted_on, config.calibration.num_images) == ("out_of_fold", 32)
        assert config.strangers is not None
        assert (config.strangers.num_known, config.strangers.num_strangers) == (32, 8)
        assert record.value("accuracy", "validation") is None
        evaluated = ["--checkpoint", str(folder / "checkpoint"), "--data", str(data), "--threads", "1"]
        assert evaluate.main(evaluated) == 0, "a second measurement gives the record's figures"

    def test_a_recipe_that_chooses_its_epoch_on_validation_is_refused(
        self, flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*flags, "--out", str(tmp_path)]) == 1
        assert "needs a recipe that keeps the last epoch; smoke does not" in capsys.readouterr().err

    def test_no_picture_is_held_out_twice_and_no_group_is_on_both_sides(self) -> None:
        data = dataset_of(12, 3, "p")
        folds = list(held_out_folds(data, 4, seed=1))
        assert sorted(name for fold in folds for name in fold["validation"].ids) == sorted(data.ids)
        for fold in folds:
            assert not set(fold["train"].groups) & set(fold["validation"].groups)
            assert len(fold["train"]) + len(fold["validation"]) == 36
