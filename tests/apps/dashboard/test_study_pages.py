"""The pages of the studies: ours beside the papers'."""

import json
from pathlib import Path

from tests.apps.dashboard.frames import REPORTED
from tests.apps.dashboard.page_parts import Open, places, texts
from tests.small_records import classifier_record, write_run


def test_the_grid_stands_beside_the_papers(opened: Open, runs: Path) -> None:
    page = opened("strategies", runs)
    said = texts(page)
    assert "Measured here: Accuracy" in said
    assert "Reported by Santoro et al.: Accuracy" in said
    assert said.count("the best and the worst strategy are") == 2
    assert len(page.get("plotly_chart")) == 6


def test_measured_runs_of_one_setting_stand_together(opened: Open, tmp_path: Path) -> None:
    for record in (classifier_record("resnet18", "full"), classifier_record("resnet50", "full")):
        write_run(tmp_path, record)
    trial = classifier_record("resnet18", "partial")
    write_run(tmp_path, trial.model_copy(update={"recipe": {**trial.recipe, "scale": "smoke"}}))
    page = opened("strategies", tmp_path)
    setting = page.selectbox(key="setting")
    assert setting.options[1] == f"emotions, smoke, {trial.model.start_weights}"
    measured = [table.value for table in page.dataframe][-1].query("Kind == '● measured'")
    assert set(measured["Model"]) == {"ResNet-18, full, scale cpu", "ResNet-50, full, scale cpu"}


def test_without_a_grid_of_ours_the_command_is_told(opened: Open) -> None:
    page = opened("strategies", REPORTED)
    assert "training.grid --study strategies" in page.code[0].value


def test_characters_are_ranked_by_difficulty_and_series(opened: Open, runs: Path) -> None:
    page = opened("characters", runs, model="Xception, plain head, scale cpu")
    said = texts(page)
    assert "Hardest:" in said
    assert "Mistakes within one series" in said
    assert "The dropout head is better" in said


def test_methods_are_compared_on_all_pictures_and_amounts_apart(opened: Open, runs: Path) -> None:
    page = opened("augmentation", runs)
    said = texts(page)
    assert "Measured: best is DCGAN pictures (1 for each real one), 4 points better than none." in said
    assert "Does it still help with more pictures?" in said
    assert "How many generated pictures are too many?" in said
    methods, amounts, shares = (json.loads(chart.proto.spec) for chart in page.get("plotly_chart"))
    (measured,) = (trace for trace in methods["data"] if trace["name"] == "measured")
    assert len(measured["y"]) == 4
    assert [places(trace) for trace in amounts["data"] if "Cutout" in trace["name"]] == [[80, 160]]
    assert [places(trace) for trace in shares["data"]] == [[1, 4]]
