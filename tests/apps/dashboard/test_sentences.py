"""The sentences say what the records hold, and no more."""

from pathlib import Path

import pandas as pd

from anime_models.record_store import EMBEDDED
from apps.dashboard.frame import over_seeds
from apps.dashboard.glossary import changed_by, metric, with_spread, written
from apps.dashboard.sentences import (
    ECE,
    LATENCY,
    SIZE,
    best_reported,
    choices,
    comparable,
    drop_between,
    quality,
    sources_told,
    strategy_or_backbone,
    unsteady,
)
from tests.apps.dashboard.frames import frame_of

ACCURACY = "test/accuracy"


def of_task(table: pd.DataFrame, task: str, **chosen: str) -> pd.DataFrame:
    rows = table[(table["task"] == task) & (table["status"] == "finished")]
    for column, value in chosen.items():
        rows = rows[rows[column] == value]
    return over_seeds(rows, [ACCURACY, "internet/accuracy", ECE, LATENCY, SIZE, "dataset.num_images.test"])


def test_the_best_is_chosen_in_each_respect(table: pd.DataFrame) -> None:
    rows = of_task(table, "emotion", study="strategies", kind="measured")
    best = {choice.aspect: choice for choice in choices(rows, ACCURACY)}
    assert list(best) == ["accuracy", "calibrated confidence", "speed", "size"]
    assert best["accuracy"].row["name"] == rows.loc[rows[ACCURACY].idxmax(), "name"]
    assert str(best["speed"].row["name"]).startswith("ResNet-18")
    assert "mean of 2 runs" in best["accuracy"].sentence
    assert "of 120 test pictures" in best["accuracy"].sentence
    assert "Best of 1" in best["accuracy"].sentence


def test_what_chance_may_decide_is_told(table: pd.DataFrame) -> None:
    rows = of_task(table, "emotion", study="strategies", kind="measured").head(2)
    rows[ACCURACY], rows[f"{ACCURACY}:sd"] = [0.8, 0.79], [0.02, 0.02]
    (choice, *_) = choices(rows, ACCURACY)
    assert "1 is so near that chance may decide" in choice.sentence


def test_figures_on_different_data_do_not_race(table: pd.DataFrame) -> None:
    rows = of_task(table, "emotion", kind="measured")
    rows["revision"] = ["sha256:1", *["sha256:0"] * (len(rows) - 1)]
    assert set(comparable(rows)["revision"]) == {"sha256:0"}
    rows["shipped"] = rows["revision"] == "sha256:1"
    assert set(comparable(rows)["revision"]) == {"sha256:1"}


def test_the_only_one_is_called_so(table: pd.DataFrame) -> None:
    (first, *_) = choices(of_task(table, "emotion", study="strategies", kind="measured").head(1), ACCURACY)
    assert "the only such one" in first.sentence


def test_the_most_accurate_is_ranked_among_all(table: pd.DataFrame) -> None:
    rows = of_task(table, "emotion", study="strategies", kind="measured").head(3)
    rows[ACCURACY] = [0.8, 0.3, 0.2]
    best = {choice.aspect: choice for choice in choices(rows, ACCURACY)}
    assert "Best of 3" in best["accuracy"].sentence
    assert "the only such one" in best["size"].sentence


def test_latencies_of_a_busy_machine_are_doubted(table: pd.DataFrame) -> None:
    rows = table[(table["study"] == "strategies") & (table["status"] == "finished")].copy()
    assert unsteady(rows, LATENCY) == ""
    rows.loc[rows["backbone"].eq("resnet18") & rows["seed"].eq(43), LATENCY] *= 5
    assert "(ResNet-18) took from 11.2 ms to 56.0 ms" in unsteady(rows, LATENCY)
    assert unsteady(rows, SIZE) == ""


def test_a_bad_model_is_not_recommended_for_its_speed(table: pd.DataFrame) -> None:
    rows = of_task(table, "emotion", study="strategies", kind="measured").head(2)
    rows[ACCURACY], rows[LATENCY] = [0.8, 0.3], [20.0, 5.0]
    best = {choice.aspect: choice for choice in choices(rows, ACCURACY)}
    assert best["speed"].row["name"] == rows["name"].iloc[0]


def test_the_papers_best_stands_with_its_table(table: pd.DataFrame) -> None:
    told = best_reported(of_task(table, "emotion"), ACCURACY)
    assert "80.9%" in told
    assert "ViT-B/16, progressive (Santoro et al.), Tables 1-3" in told


def test_generators_are_ranked_by_distance(table: pd.DataFrame) -> None:
    rows = table[table["task"] == "generation"]
    assert quality("generation", rows) == "validation/fid/lite0"
    assert quality("detection", rows) is None
    (best, *_) = choices(over_seeds(rows, ["validation/fid/lite0", SIZE]), "validation/fid/lite0")
    assert str(best.row["name"]).endswith("[generator lr 0.0005]")


def test_strategy_against_backbone_needs_the_whole_grid(table: pd.DataFrame) -> None:
    rows = of_task(table, "emotion", kind="reported")
    told = strategy_or_backbone(rows, metric(ACCURACY))
    assert told.startswith("The strategy matters more than the backbone")
    assert "14.1 points of Accuracy" in told
    assert strategy_or_backbone(rows.head(15), metric(ACCURACY)) == ""


def test_a_difference_within_the_interval_may_be_chance(table: pd.DataFrame) -> None:
    rows = of_task(table, "emotion", kind="reported").copy()
    assert "chance" not in strategy_or_backbone(rows, metric(ACCURACY)), "the papers report no intervals"
    for width, told in ((0.02, False), (0.30, True)):
        rows[f"{ACCURACY}:low"], rows[f"{ACCURACY}:high"] = rows[ACCURACY] - width / 2, rows[ACCURACY] + width / 2
        assert ("± 15.0 points" in strategy_or_backbone(rows, metric(ACCURACY))) is told


def test_the_change_between_tests_is_a_mean(table: pd.DataFrame) -> None:
    rows = of_task(table, "character", kind="reported")
    change = (rows["internet/accuracy"] - rows[ACCURACY]).mean() * 100
    assert f"{abs(change):.1f} points lower on internet-like test" in drop_between(rows, ACCURACY, "internet/accuracy")
    assert drop_between(rows, ACCURACY, "other_source/accuracy") == ""


def test_sources_are_counted(table: pd.DataFrame) -> None:
    told = sources_told(table)
    assert "27 that papers report (Hu, Kanata et al., Santoro et al.)" in told
    assert "1 is still recorded as running" in told


def test_numbers_are_written_with_their_units() -> None:
    assert written(0.7543, "percent") == "75.4%"
    assert written(26.456, "milliseconds") == "26.5 ms"
    assert written(85_800_000, "count") == "85.8 M"
    assert written(90, "seconds") == "90.0 s"
    assert written(450, "seconds") == "7.5 min"
    assert written(900, "seconds") == "15 min"
    assert written(43.1234, "number") == "43.1"
    assert written(None, "number") == written(float("nan"), "number") == "—"
    assert with_spread(0.753, "percent", sd=0.012) == "75.3% ± 1.2"
    assert with_spread(0.753, "percent", interval=(0.69, 0.81)) == "75.3% (69.0 to 81.0)"
    assert with_spread(0.1, "number") == "0.100"
    assert with_spread(900, "seconds", sd=120) == "15 min ± 2"
    assert with_spread(43.1234, "number", sd=1.25) == "43.1 ± 1.2"
    assert changed_by(-0.0312, "percent", sd=0.01) == "-3.1 ± 1.0 points"
    assert changed_by(0.25, "number") == "+0.250"


def test_every_metric_explains_itself(runs: Path) -> None:
    table = frame_of(EMBEDDED, runs)
    unexplained = [
        name
        for name in table.select_dtypes("float64")
        if not name.startswith(("recipe.", "dataset.", "environment."))
        and not name.endswith((":low", ":high"))
        and metric(name).help.startswith("The record's")
    ]
    assert not [name for name in unexplained if name.startswith(("test/", "calibration.", "timing.", "model."))]
    assert metric("validation/fid/lite0").name == "FID (validation, lite0)"
    assert "generated" in metric("validation/precision/lite0").help
    assert "generated" not in metric("test/precision").help
