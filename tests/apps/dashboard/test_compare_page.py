"""The page Compare: filters, order, and runs side by side, as they stand in the address."""

from pathlib import Path

import pytest

from anime_models.record_store import EMBEDDED
from anime_models.records import read_record
from tests.apps.dashboard.page_parts import OTHER, RUN, Open, texts
from tests.small_records import classifier_record


def test_filters_of_the_address_are_applied(opened: Open, runs: Path) -> None:
    page = opened("compare", runs, backbone=["resnet18", "xception"], kind=["reported"])
    table = page.dataframe[0].value
    assert set(table["Kind"]) == {"○ reported"}
    assert len(table) == 4 + 2
    assert page.multiselect(key="backbone").value == ["resnet18", "xception"]


def test_a_filter_that_is_chosen_is_applied(opened: Open, runs: Path) -> None:
    page = opened("compare", runs)
    page.multiselect(key="task").set_value(["emotion"]).run()
    assert set(page.dataframe[0].value["Task"]) == {"Emotions"}


def test_a_filter_that_nothing_passes_says_so(opened: Open, runs: Path) -> None:
    page = opened("compare", runs, task=["generation"], kind=["reported"])
    assert "Take a filter away" in page.info[0].value


def test_seeds_are_averaged_unless_they_are_wanted_apart(opened: Open, runs: Path) -> None:
    page = opened("compare", runs, study=["strategies"], kind=["measured"], status=["finished"])
    assert len(page.dataframe[0].value) == 16
    assert "±" in page.dataframe[0].value["Accuracy"][0]
    page.toggle(key="grouped").set_value(False).run()
    assert len(page.dataframe[0].value) == 32


def test_rows_are_sorted_by_the_chosen_column(opened: Open, runs: Path) -> None:
    page = opened("compare", runs, study=["strategies"], kind=["reported"], sort="Macro F1")
    assert page.dataframe[0].value["Macro F1"][0] == "0.807"
    page.toggle(key="worst").set_value(True).run()
    assert page.dataframe[0].value["Macro F1"][0] == "0.601"


@pytest.mark.parametrize("tab", ["Metrics", "Settings", "Curves", "Confusions", "Classes", "Confidence"])
def test_runs_of_the_address_stand_side_by_side(opened: Open, runs: Path, tab: str) -> None:
    page = opened("compare", runs, runs=[RUN, OTHER], tab=tab)
    assert page.multiselect(key="runs").value == [RUN, OTHER]
    assert page.header[0].value == "Side by side"
    if tab == "Metrics":
        shown = page.dataframe[1].value
        assert {"ResNet-18, full, scale cpu", "ViT-B/16, progressive, scale cpu"} <= set(shown)
    if tab == "Settings":
        assert "model.backbone" in set(page.dataframe[1].value["Setting"])
    if tab == "Confusions":
        assert "How does the second differ from the first?" in texts(page)
    if tab in ("Curves", "Confusions", "Classes", "Confidence"):
        assert page.get("plotly_chart")


def test_all_seeds_of_a_configuration_stand_as_one_side(opened: Open, runs: Path) -> None:
    seeds = [classifier_record("resnet18", "full", seed).run_id for seed in (42, 43)]
    page = opened("compare", runs, runs=seeds, tab="Metrics")
    accuracy = page.dataframe[1].value.set_index("Metric").loc["Accuracy", "ResNet-18, full, scale cpu"]
    assert "±" in accuracy


def test_a_run_of_the_address_that_is_gone_is_left_out(opened: Open, runs: Path) -> None:
    page = opened("compare", runs, runs=["no-such-run"])
    assert "Tick rows" in page.info[0].value


def test_shipped_classifiers_show_what_they_take_for_what(opened: Open) -> None:
    shipped = read_record(EMBEDDED / "characters" / "record.json")
    page = opened("compare", shipped=True, runs=[shipped.run_id], tab="Confusions")
    assert page.get("plotly_chart")


def test_a_record_alone_says_why_there_is_no_confusion(opened: Open) -> None:
    stage = read_record(EMBEDDED / "records" / "characters-stage1.json")
    page = opened("compare", shipped=True, runs=[stage.run_id], tab="Confusions")
    assert "no predictions are stored beside the record" in texts(page)
