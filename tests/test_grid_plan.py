from pathlib import Path
from typing import Any

import pytest

from anime_models.checkpoints import WEIGHTS, CheckpointConfig, write_config
from anime_models.errors import CheckpointError
from anime_models.preprocessing import Preprocessing
from training.recipes import RECIPES
from training.studies.cells import STUDIES, Cell
from training.studies.plan import planned_cells, start_of
from training.studies.report import GIGA_MACS


class TestCells:
    def test_characters(self) -> None:
        cells = planned_cells("characters", 3, "cpu", "imagenet", "sha256:0")
        assert len(cells) == 4 * 2 * 3
        assert {cell.recipe for cell in cells} == {"kanata"}
        assert {cell.variant for cell in cells} == {"plain", "dropout"}
        assert {cell.seed for cell in cells} == {42, 43, 44}
        assert {cell.seed for cell in cells[:8]} == {42}, "each seed is a whole comparison"

    def test_strategies(self) -> None:
        cells = planned_cells("strategies", 1, "full", "imagenet", "sha256:0")
        assert len(cells) == 4 * 4
        names = {"linear_probe", "partial", "full", "progressive"}
        assert {cell.recipe for cell in cells} == {f"santoro-{name}" for name in names}
        assert {cell.head for cell in cells} == {"plain"}

    def test_every_recipe_and_backbone_is_known(self) -> None:
        for study in STUDIES.values():
            assert {*study.strategies.values(), *study.extras.values()} <= set(RECIPES)
            assert {*study.backbones, *study.extra_backbones} <= set(GIGA_MACS)

    def test_a_backbone_beyond_the_paper_s_runs_where_it_is_named(self) -> None:
        cells = planned_cells("strategies", 1, "cpu", "packaged", "sha256:0", backbones=["efficientnet_lite0"])
        assert [cell.variant for cell in cells] == ["linear_probe", "partial", "full", "progressive"]

    def test_narrowed_down(self) -> None:
        cells = planned_cells(
            "strategies",
            2,
            "full",
            "random",
            "sha256:0",
            backbones=["vit_small_16", "resnet18"],
            strategies=["progressive-even", "full"],
        )
        expected = [("resnet18", "full"), ("resnet18", "progressive-even"), ("vit_small_16", "full")]
        assert [(cell.backbone, cell.variant) for cell in cells[:3]] == expected
        assert len(cells) == 8

    def test_files_of_different_cells_differ(self) -> None:
        cells = [
            cell
            for study in STUDIES
            for scale in ("cpu", "smoke")
            for start in ("random", "imagenet")
            for revision in ("sha256:0", "sha256:1")
            for cell in planned_cells(study, 2, scale, start, revision)
        ]
        assert len({cell.file_stem for cell in cells}) == len(cells)


class TestStart:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A folder with start weights for ResNet-18, made by distillation."""
        self.write(tmp_path, task="embedding", label_names=(), embedding_size=8)
        return tmp_path

    def write(self, folder: Path, **kind: Any) -> None:
        config = CheckpointConfig(
            backbone="resnet18",
            head="plain",
            preprocessing=Preprocessing(image_size=64, resize=64, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
            start_weights="distilled:efficientnet_lite0",
            **kind,
        )
        (folder / "resnet18").mkdir(exist_ok=True)
        write_config(folder / "resnet18", config)
        (folder / "resnet18" / WEIGHTS).write_bytes(b"the first weights")

    def first(self, study: str, backbone: str, start: str) -> Cell:
        return planned_cells(study, 1, "cpu", start, "", backbones=[backbone])[0]

    def test_a_pattern_is_a_folder_for_each_backbone(self, folder: Path) -> None:
        cell = self.first("strategies", "resnet18", f"{folder}/{{backbone}}")
        assert cell.start == str(folder / "resnet18")
        assert cell.start_name == "distilled:efficientnet_lite0", "what a record calls it"

    def test_other_weights_under_the_same_name_are_another_cell_s(self, folder: Path) -> None:
        pattern = f"{folder}/{{backbone}}"
        before = self.first("strategies", "resnet18", pattern)
        assert before.start_digest is not None
        assert before.start_digest.startswith("sha256:")
        (folder / "resnet18" / WEIGHTS).write_bytes(b"weights that were taught anew")
        after = self.first("strategies", "resnet18", pattern)
        assert after.start_name == before.start_name
        assert after.start_digest != before.start_digest
        assert after.file_stem != before.file_stem

    def test_a_folder_without_weights_is_refused(self, folder: Path) -> None:
        (folder / "resnet18" / WEIGHTS).unlink()
        with pytest.raises(CheckpointError, match=r"but no model\.safetensors; copy the folder again"):
            self.first("strategies", "resnet18", f"{folder}/{{backbone}}")

    def test_a_classifier_is_recorded_by_its_folder(self, folder: Path) -> None:
        self.write(folder, task="emotion", label_names=("Happy", "Sad"))
        assert self.first("strategies", "resnet18", f"{folder}/{{backbone}}").start_name == str(folder / "resnet18")

    def test_the_packaged_backbone_needs_no_folder(self, folder: Path) -> None:
        assert self.first("characters", "efficientnet_lite0", f"{folder}/{{backbone}}").start == "packaged"
        assert self.first("characters", "efficientnet_lite0", "packaged").start == "packaged"

    def test_a_hub_pattern_is_passed_on(self) -> None:
        assert start_of("hf-hub:me/{backbone}", "xception") == "hf-hub:me/xception"
