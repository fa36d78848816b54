"""Tables of the shipped records say what the records say."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from anime_models.records import Result, RunRecord, TimingPart, write_record
from tests.markdown import cells
from tests.small_models import make_record
from tests.small_records import classifier_record
from training.studies.cells import STUDIES
from training.studies.shipped import STRATEGIES, champions_table, effects_table, start_weights_table, strategies_table


def with_accuracy(value: float, backbone: str, strategy: str, split: str = "test", seed: int = 42) -> RunRecord:
    record = classifier_record(backbone, strategy, seed, splits=("test",))
    others = [result for result in record.results if result.metric != "accuracy"]
    record.results = [*others, Result(split=split, metric="accuracy", value=value)]
    return record


def body(table: str) -> list[list[str]]:
    """The words of each row below the title."""
    return [cells(row) for row in table.splitlines()[2:]]


def grid() -> list[RunRecord]:
    """Accuracy rises by a point from model to model and by ten from strategy to strategy."""
    return [
        with_accuracy(0.2 + 0.01 * model + 0.1 * strategy, backbone, name)
        for model, backbone in enumerate(STUDIES["strategies"].backbones)
        for strategy, name in enumerate(STRATEGIES)
    ]


def effects(measured: Sequence[RunRecord]) -> list[str]:
    return [here for _, here, _ in body(effects_table(measured, []))]


def test_effects_are_spreads_in_points() -> None:
    models, strategies = len(STUDIES["strategies"].backbones), len(STRATEGIES)
    expected = [10 * (strategies - 1), models - 1, 10 * (strategies - 1), 10 * (strategies - 1)]
    assert effects(grid()) == [f"{points:.1f}" for points in expected]


def test_effects_are_of_means_over_seeds() -> None:
    worst = grid()[0]
    second = with_accuracy(0.0, str(worst.model.backbone), str(worst.strategy), seed=43)
    assert effects([*grid(), second])[0] != effects(grid())[0]


def test_effects_wait_for_the_last_cell() -> None:
    assert set(effects(grid()[1:])) == {"—"}


def test_another_recipe_of_a_strategy_has_a_row_of_its_own() -> None:
    even = with_accuracy(0.0, "resnet18", "progressive", seed=43)
    even.recipe["name"] = "santoro-progressive-even"
    assert effects([*grid(), even]) == effects(grid())
    rows = {tuple(row[:3]): row[3] for row in body(strategies_table([*grid(), even], []))}
    assert rows["resnet18", "progressive", "1"] == "0.500"
    assert rows["resnet18", "progressive-even", "1"] == "0.000"
    assert not [row for row in rows if row[:2] == ("resnet50", "progressive-even")]


def test_the_best_run_is_that_on_validation() -> None:
    runs = [
        with_accuracy(0.6, "resnet18", "full", "validation"),
        with_accuracy(0.7, "resnet50", "partial", "validation", seed=44),
    ]
    runs[0].results.append(Result(split="test", metric="accuracy", value=0.99))
    shipped = with_accuracy(0.65, "efficientnet_lite0", "full", "out_of_fold")
    ((task, best, validation, figure, split),) = body(champions_table([(runs, shipped)]))
    assert (task, best) == ("emotion", "resnet50, plain head, partial, seed 44")
    assert (validation, figure, split) == ("0.700", "0.650", "out of fold")


def test_a_model_measured_on_test_alone_takes_no_part() -> None:
    run = with_accuracy(0.6, "resnet18", "full", "validation")
    with pytest.raises(ValueError, match="no accuracy on pictures outside"):
        champions_table([([run], with_accuracy(0.9, "resnet18", "full"))])


def test_passes_of_runs_that_went_on_are_counted_together(tmp_path: Path) -> None:
    metrics = [f"linear_probe_accuracy{of}" for of in ("", "_random_start")]
    record = make_record(
        recipe={"epochs": 0.7, "epochs_before": 1.4, "minutes_before": 21.0},
        timing=TimingPart(total_seconds=1500),
        results=[
            Result(split=split, metric=metric, value=value)
            for split, values in (("test", (0.8, 0.5)), ("validation", (0.7, 0.4)))
            for metric, value in zip(metrics, values, strict=True)
        ],
    )
    write_record(record, tmp_path / "student.json")
    assert body(start_weights_table(tmp_path)) == [["mobilenet_v2", "2.1", "46", "0.800", "0.500", "0.700", "0.400"]]
