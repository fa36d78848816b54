"""Figures show what the records hold; reported and measured never look alike."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from anime_models.metrics import risk_coverage
from anime_models.records import ReliabilityBin
from apps.dashboard.charts.confidence import before_after, classwise, reliability, set_sizes
from apps.dashboard.charts.confidence import risk_coverage as risk_coverage_figure
from apps.dashboard.charts.confusion import confusion, confusion_difference, grouped_counts, per_class
from apps.dashboard.charts.curves import amounts, figures_over_epochs, over_training
from apps.dashboard.charts.dots import dots, spread
from apps.dashboard.charts.efficiency import on_front, pareto
from apps.dashboard.charts.export import figure_page, figure_table
from apps.dashboard.charts.generation import learning_rates
from apps.dashboard.charts.grid import bars, improvement, strategy_map
from apps.dashboard.charts.heads import pairs, two_tests
from apps.dashboard.charts.style import wrapped
from apps.dashboard.frame import Figure, numbers, over_seeds
from apps.dashboard.glossary import metric

ACCURACY, COST = metric("test/accuracy"), metric("model.num_parameters")
BACKBONES = ["resnet18", "resnet50", "vit_base_16", "vit_small_16"]


@pytest.fixture(scope="module")
def grid(table: pd.DataFrame) -> pd.DataFrame:
    """The study of strategies over seeds, measured and reported."""
    rows = table[(table["study"] == "strategies") & (table["status"] == "finished")]
    return over_seeds(rows, numbers(rows))


@pytest.fixture(scope="module")
def characters(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[(table["study"] == "characters") & (table["status"] == "finished")]
    return over_seeds(rows, ["test/accuracy", "internet/accuracy"])


def traces(figure: go.Figure, kind: str) -> list[Any]:
    return [trace for trace in figure.data if kind in (trace.name or "")]


def test_dots_fill_what_was_measured_and_leave_the_reported_hollow(grid: pd.DataFrame) -> None:
    figure = dots(grid, ACCURACY)
    (measured,), (reported,) = traces(figure, "measured"), traces(figure, "reported")
    assert measured.marker.symbol == "circle"
    assert reported.marker.symbol == "circle-open"
    assert measured.marker.color != reported.marker.color
    assert (len(measured.x), len(reported.x)) == (16, 16)
    spread = grid.loc[grid["kind"] == "measured", "test/accuracy:sd"]
    assert sorted(measured.error_x.array) == pytest.approx(sorted(spread))


def test_dots_put_the_best_at_the_top(grid: pd.DataFrame) -> None:
    order = dots(grid, ACCURACY).layout.yaxis.categoryarray
    assert order[-1] == wrapped(grid.loc[grid["test/accuracy"].idxmax(), "name"])
    order = dots(grid, metric("test/loss")).layout.yaxis.categoryarray
    assert order[-1] == wrapped(grid.loc[grid["test/loss"].idxmin(), "name"])


def test_a_map_has_a_cell_for_each_backbone_and_strategy(grid: pd.DataFrame) -> None:
    figure = strategy_map(grid, ACCURACY, BACKBONES, "reported")
    assert figure.data[0].z[2][3] == 0.8089
    assert figure.data[0].text[2][3] == "80.9%"
    assert {note.font.style for note in figure.layout.annotations} == {"italic"}
    assert "80.9%" in [note.text for note in figure.layout.annotations]
    assert figure.layout.shapes[0].line.dash == "dash"
    measured = strategy_map(grid, ACCURACY, BACKBONES, "measured")
    assert measured.layout.shapes[0].line.dash == "solid"
    assert "±" in measured.data[0].text[0][0]


def test_a_map_leaves_what_is_missing_empty(grid: pd.DataFrame) -> None:
    figure = strategy_map(grid[grid["strategy"] != "full"], ACCURACY, BACKBONES)
    assert [line[2] for line in figure.data[0].z] == [None] * 4


def test_maps_are_yellow_where_it_is_better(grid: pd.DataFrame) -> None:
    assert not strategy_map(grid, ACCURACY, BACKBONES).data[0].reversescale
    assert strategy_map(grid, metric("test/loss"), BACKBONES).data[0].reversescale


def test_gains_are_over_the_probe_of_the_same_kind_and_backbone(grid: pd.DataFrame) -> None:
    figure = improvement(grid, ACCURACY, BACKBONES)
    (reported,) = traces(figure, "progressive, reported")
    gains = dict(zip(reported.x, reported.y, strict=True))
    assert gains["ViT-B/16"] == pytest.approx(0.8089 - 0.6467)
    assert not traces(figure, "linear probe")


def test_the_bar_of_a_share_ends_at_nothing_and_at_all() -> None:
    assert spread(Figure(0.1, sd=0.3, runs=3), ACCURACY) == pytest.approx((0.1, 0.3))
    assert spread(Figure(0.9, sd=0.3, runs=3), ACCURACY) == pytest.approx((0.3, 0.1))
    assert spread(Figure(0.1, sd=0.3, runs=3)) == (0.3, 0.3), "of a gain, which may be negative"


def test_gains_go_up_where_it_is_better_and_tell_their_spread(grid: pd.DataFrame) -> None:
    (drawn,) = traces(improvement(grid, metric("test/loss"), BACKBONES), "full, measured")
    rows = grid[grid["kind"] == "measured"].set_index(["backbone", "strategy"])
    probe, full = (rows.loc[("resnet18", strategy)] for strategy in ("linear_probe", "full"))
    place = list(drawn.x).index("ResNet-18")
    assert drawn.y[place] == pytest.approx(probe["test/loss"] - full["test/loss"])
    spread = np.hypot(probe["test/loss:sd"], full["test/loss:sd"])
    assert drawn.error_y.array[place] == pytest.approx(spread)
    assert "±" in drawn.hovertext[place]


def test_bars_have_the_interval_of_a_single_run(grid: pd.DataFrame, table: pd.DataFrame) -> None:
    (of_seeds,) = traces(bars(grid, ACCURACY, BACKBONES), "full, measured")
    one_seed = table[(table["seed"] == 42) & table["study"].eq("strategies") & table["kind"].eq("measured")]
    (of_runs,) = traces(bars(over_seeds(one_seed, ["test/accuracy"]), ACCURACY, BACKBONES), "full, measured")
    assert list(of_runs.error_y.arrayminus) == pytest.approx([0.05] * 4)
    assert not np.isnan(list(of_seeds.error_y.array)).any()


def test_reported_bars_are_hatched(grid: pd.DataFrame) -> None:
    figure = bars(grid, metric("timing.seconds_per_epoch"), BACKBONES)
    assert {trace.marker.pattern.shape for trace in traces(figure, "reported")} == {"/"}
    assert {trace.marker.pattern.shape for trace in traces(figure, "measured")} == {None}


def test_curves_are_means_with_a_band_over_seeds() -> None:
    runs = {"two": [[{"v/x": 1.0, "seconds": 2.0}, {"v/x": 3.0, "seconds": 2.0}], [{"v/x": 3.0, "seconds": 4.0}]]}
    figure = over_training(runs, "v/x")
    line = traces(figure, "two")[0]
    assert list(line.x) == [1, 2]
    assert list(line.y) == [2, 3]
    assert len(figure.data) == 2  # the band besides the line
    by_seconds = traces(over_training(runs, "v/x", by_seconds=True), "two")[0]
    assert list(by_seconds.x) == [3, 4]


def test_a_figure_that_only_some_epochs_have_keeps_its_places() -> None:
    runs = {"gan": [[{"a/b": 1.0, "held_out/fid": 9.0}, {"a/b": 1.0}, {"a/b": 1.0, "held_out/fid": 5.0}]]}
    line = over_training(runs, "held_out/fid").data[0]
    assert list(line.x) == [1, 3]
    assert figures_over_epochs(runs) == ["a/b", "held_out/fid"]


def test_a_confusion_matrix_shows_counts_and_colours_shares() -> None:
    figure = confusion(np.array([[3, 1], [0, 0]]), ["a", "b"])
    assert figure.data[0].z.tolist() == [[0.75, 0.25], [0, 0]]
    assert [list(line) for line in figure.data[0].text] == [["3", "1"], ["", ""]]


def test_mean_counts_have_one_digit() -> None:
    figure = confusion(np.array([[10, 2.5], [1 / 3, 12]]), ["a", "b"])
    assert [list(line) for line in figure.data[0].text] == [["10", "2.5"], ["0.3", "12"]]


def test_the_difference_of_confusions_is_of_shares() -> None:
    figure = confusion_difference(np.array([[3, 1], [2, 2]]), np.array([[1, 1], [4, 4]]), ["a", "b"])
    assert figure.data[0].z.tolist() == [[-0.25, 0.25], [0, 0]]
    assert figure.data[0].zmid is None
    assert figure.data[0].zmin == -figure.data[0].zmax


def test_confusions_are_summed_by_series() -> None:
    counts, names = grouped_counts(np.array([[5, 1, 0], [0, 4, 2], [1, 0, 3]]), ["x", "x", "y"])
    assert names == ("x", "y")
    assert counts.tolist() == [[10, 2], [1, 3]]


def test_the_hardest_class_stands_at_the_top() -> None:
    values = pd.DataFrame({"one": [0.9, 0.2], "one:sd": [0.1, 0.1], "two": [0.8, 0.4]}, index=["easy", "hard"])
    figure = per_class(values)
    assert figure.layout.yaxis.categoryarray == ("easy", "hard")
    assert [trace.name for trace in figure.data] == ["one", "two"]


def test_a_reliability_diagram_leaves_empty_bins_out() -> None:
    bins = [
        ReliabilityBin(lower=0.0, upper=0.5, count=0, confidence=None, accuracy=None),
        ReliabilityBin(lower=0.5, upper=1.0, count=4, confidence=0.9, accuracy=0.75),
    ]
    diagonal, side = reliability({"model": bins}).data
    assert (diagonal.x, diagonal.y) == ((0, 1), (0, 1))
    assert (side.x, side.y) == ((0.9,), (0.75,))


def test_calibration_shows_before_after_and_chance(table: pd.DataFrame) -> None:
    rows = table[table["calibration.after.ece"].notna() & (table["study"] == "strategies")]
    wanted = ["calibration.before.ece", "calibration.after.ece", "test/ece_by_chance"]
    figure = before_after(over_seeds(rows[rows["seed"] == 42], wanted))
    (before,), (after,) = traces(figure, "before"), traces(figure, "after")
    assert before.marker.symbol == "circle-open"
    assert len(before.x) == len(after.x) == len(traces(figure, "chance alone"))


def test_risk_and_sets_are_drawn_for_each_side(grid: pd.DataFrame) -> None:
    curve = risk_coverage(np.array([0.9, 0.5]), np.array([True, False]))
    assert list(risk_coverage_figure({"model": curve}).data[0].y) == [0, 0.5]
    stored = grid[grid["test/shown_set_size"].notna()].head(1)
    name = stored["name"].iloc[0]
    line, mark = set_sizes({name: (np.array([0.5, 0.9]), np.array([1.0, 2.0]))}, stored).data
    assert (line.name, mark.name) == (name, f"{name}, as stored")
    assert line.line.color == mark.marker.color


def test_classwise_errors_put_the_worst_at_the_top() -> None:
    figure = classwise(pd.DataFrame({"model": [0.1, 0.3]}, index=["a", "b"]))
    assert figure.layout.yaxis.categoryarray == ("a", "b")


@pytest.mark.parametrize(
    ("costs", "gains", "expected"),
    [
        ([1, 2, 3], [1, 2, 3], [True, True, True]),
        ([1, 2, 3], [3, 2, 1], [True, False, False]),
        ([1, 1, 2], [1, 2, 2], [False, True, False]),
        ([2, 1], [5, 5], [False, True]),
        ([1, 1, 2, 2], [2, 2, 3, 1], [True, True, True, False]),
        ([], [], []),
    ],
)
def test_the_front_is_what_nothing_beats(costs: list[float], gains: list[float], expected: list[bool]) -> None:
    assert on_front(np.array(costs, dtype=float), np.array(gains, dtype=float)).tolist() == expected


def test_what_is_dominated_is_grey(grid: pd.DataFrame) -> None:
    figure = pareto(grid[grid["kind"] == "measured"], COST, ACCURACY)
    (beaten,) = traces(figure, "dominated, measured")
    (front,) = traces(figure, "on the front, measured")
    assert beaten.marker.color == "#808080" != front.marker.color
    assert len(beaten.x) + len(front.x) == 16


def test_lower_is_better_on_the_front_of_a_loss(grid: pd.DataFrame) -> None:
    measured = grid[grid["kind"] == "measured"]
    figure = pareto(measured, COST, metric("test/loss"))
    (front,) = traces(figure, "on the front")
    assert min(front.y) == measured["test/loss"].min()


def test_heads_stand_on_one_line_for_each_backbone(characters: pd.DataFrame) -> None:
    figure = pairs(characters, ACCURACY, "head", ("plain", "dropout"))
    (plain,), (dropout,) = traces(figure, "plain head, reported"), traces(figure, "dropout head, reported")
    assert set(plain.y) == set(dropout.y) == {"Xception, reported", "ResNet50V2, reported", "MobileNetV2, reported"}
    assert plain.marker.symbol == "circle-open"


def test_two_tests_stand_on_one_line_for_each_configuration(characters: pd.DataFrame) -> None:
    figure = two_tests(characters, [ACCURACY, metric("internet/accuracy")])
    assert {len(trace.x) for trace in traces(figure, "internet-like test")} == {6}


def test_learning_rates_make_a_line_for_each_setting(table: pd.DataFrame) -> None:
    rows = table[table["task"] == "generation"]
    distance = "validation/fid/lite0"
    wanted = [distance, "recipe.generator_lr", "dataset.num_images.train", "recipe.epochs"]
    (line,) = learning_rates(over_seeds(rows, wanted), metric(distance)).data
    assert list(line.x) == [1e-4, 5e-4, 5e-3]
    assert line.name == "faces64, ning, cpu, 2,000 pictures, 6 epochs"
    longer = over_seeds(rows, wanted)
    longer.loc[longer["recipe.generator_lr"] == 5e-4, "recipe.epochs"] = 30
    (line,) = learning_rates(longer, metric(distance)).data
    assert list(line.x) == [1e-4, 5e-3], "a run for longer is not compared with the others"
    started = over_seeds(rows, wanted)
    high = started["recipe.generator_lr"] == 5e-3
    started["start_weights"] = started["start_weights"].astype("object").mask(high, "another-run")
    (line,) = learning_rates(started, metric(distance)).data
    assert list(line.x) == [1e-4, 5e-4], "nor is one that went on from trained weights"
    chosen = over_seeds(rows, wanted).assign(**{"recipe.typical_share": [0.3, *[1.0] * (len(started) - 1)]})
    (line,) = learning_rates(chosen, metric(distance)).data
    assert len(line.x) == 2, "nor one that saw a part of the faces"


def test_amounts_make_a_line_for_each_method() -> None:
    rows = pd.DataFrame(
        {
            "augmentation": ["none", "none", "dcgan"],
            "kind": ["measured"] * 3,
            "dataset.num_images.train": [160.0, 80.0, 160.0],
            "test/accuracy": [0.9, 0.8, 0.95],
        }
    )
    figure = amounts(rows, ACCURACY, metric("dataset.num_images.train"))
    (plain,) = traces(figure, "None")
    assert list(plain.x) == [80, 160]


def test_every_figure_can_be_taken_away_as_numbers(grid: pd.DataFrame) -> None:
    rows = figure_table(dots(grid, ACCURACY))
    assert set(rows["series"]) == {"measured", "reported"}
    assert rows["high"].notna().sum() == 16
    assert not rows["y"].str.contains("<br>").any()
    cells = figure_table(strategy_map(grid, ACCURACY, BACKBONES, "reported"))
    assert len(cells) == 16
    assert {"x", "y", "z"} <= set(cells)
    assert list(figure_table(go.Figure())) == ["series", "x", "y"]


def test_every_figure_can_be_taken_away_as_a_page_without_a_network(grid: pd.DataFrame) -> None:
    page = figure_page(dots(grid, ACCURACY), "How good?").decode()
    assert "How good?" in page
    assert not re.search(r'<(script|link)[^>]+(src|href)="http', page)


def test_charts_know_no_streamlit() -> None:
    folder = Path(figure_table.__code__.co_filename).parent
    assert not [path for path in folder.glob("*.py") if "streamlit" in path.read_text("utf-8")]
