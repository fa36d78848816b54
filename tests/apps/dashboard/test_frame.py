"""Filters, groups over seeds, and the names of configurations."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from anime_models.record_store import RecordStore
from anime_models.record_table import FACTS
from anime_models.records import write_record
from apps.dashboard.frame import (
    FILTERS,
    NOTHING,
    data_names,
    each_run,
    figure_of,
    filtered,
    numbers,
    options,
    over_seeds,
    records_frame,
)
from tests.apps.dashboard.frames import frame_of
from tests.small_records import generator_record

ACCURACY = "test/accuracy"


def strategies(table: pd.DataFrame) -> pd.DataFrame:
    return filtered(table, {"study": ["strategies"], "kind": ["measured"], "status": ["finished"]})


def test_a_filter_keeps_rows_with_one_of_its_values(table: pd.DataFrame) -> None:
    rows = filtered(table, {"backbone": ["resnet18", "resnet50"], "kind": ["reported"], "strategy": []})
    assert set(rows["backbone"]) == {"resnet18", "resnet50"}
    assert set(rows["kind"]) == {"reported"}
    assert len(rows) == 8


def test_nothing_can_be_chosen_too(table: pd.DataFrame) -> None:
    assert NOTHING in options(table, "head")
    assert filtered(table, {"head": [NOTHING]})["head"].isna().all()


def test_seeds_are_chosen_as_whole_numbers(table: pd.DataFrame) -> None:
    assert {"42", "43", "99", NOTHING} <= set(options(table, "seed"))
    assert set(filtered(table, {"seed": ["43"]})["seed"]) == {43}


@pytest.mark.parametrize("column", FILTERS)
def test_every_option_leaves_something(table: pd.DataFrame, column: str) -> None:
    assert all(len(filtered(table, {column: [option]})) for option in options(table, column))


def test_seeds_are_averaged_with_the_deviation_of_a_sample(table: pd.DataFrame) -> None:
    rows = strategies(table)
    grouped = over_seeds(rows, [ACCURACY])
    assert len(grouped) == 16
    first = grouped.iloc[0]
    values = rows[rows["configuration"] == first["configuration"]][ACCURACY]
    figure = figure_of(first, ACCURACY)
    assert figure.value == pytest.approx(values.mean())
    assert figure.sd == pytest.approx(values.std(ddof=1))
    assert figure.runs == len(values) == len(first["run_ids"].split()) == 2
    assert np.isnan(figure.low)


def test_runs_on_another_machine_are_another_configuration(runs: Path) -> None:
    rows = _one_configuration_where_seed_43_has(runs, device="gpu")
    assert rows["configuration"].nunique() == 2
    assert {name.partition(" [")[2] for name in rows["name"]} == {"cpu (x86_64)]", "gpu]"}


def test_runs_in_another_precision_are_the_same_configuration(runs: Path) -> None:
    rows = _one_configuration_where_seed_43_has(runs, precision="bf16")
    assert rows["precision"].nunique() == 2
    assert rows["configuration"].nunique() == 1


def _one_configuration_where_seed_43_has(runs: Path, **facts: str | None) -> pd.DataFrame:
    snapshot = RecordStore([runs]).snapshot()
    changed = [
        replace(row, facts=tuple((named | facts if str(named["run_id"]).endswith("-s43") else named).values()))
        for row in snapshot.rows
        for named in [dict(zip(FACTS, row.facts, strict=True))]
    ]
    rows = strategies(records_frame(replace(snapshot, rows=tuple(changed))))
    return rows[(rows["backbone"] == "resnet18") & (rows["strategy"] == "full")]


def test_data_sets_are_named_with_their_state_where_there_are_several(table: pd.DataFrame) -> None:
    rows = strategies(table).copy()
    assert set(data_names(rows)) == {"emotions"}
    rows["revision"] = ["sha256:abcdefghi", *["sha256:0"] * (len(rows) - 1)]
    assert set(data_names(rows)) == {"emotions abcdefg", "emotions 0"}


def test_a_single_run_has_its_interval_and_no_deviation(table: pd.DataFrame) -> None:
    rows = strategies(table)
    figure = figure_of(over_seeds(rows[rows["seed"] == 42], [ACCURACY]).iloc[0], ACCURACY)
    assert np.isnan(figure.sd)
    assert figure.low < figure.value < figure.high


def test_an_interval_stays_while_another_seed_is_still_running(table: pd.DataFrame) -> None:
    rows = filtered(table, {"study": ["strategies"], "kind": ["measured"], "seed": ["42", "99"]})
    row = over_seeds(rows, [ACCURACY]).set_index(["backbone", "strategy"]).loc[("resnet18", "full")]
    assert (row["runs"], row["status"]) == (2, "finished in part")
    figure = figure_of(row, ACCURACY)
    assert figure.runs == 1
    assert figure.low < figure.value < figure.high


def test_only_runs_that_have_a_figure_are_counted(table: pd.DataFrame) -> None:
    rows = strategies(table).copy()
    rows.loc[rows.index[0], ACCURACY] = np.nan
    row = over_seeds(rows, [ACCURACY]).iloc[0]
    assert figure_of(row, ACCURACY).runs == row["runs"] - 1


def test_each_run_has_the_same_columns_but_for_spreads(table: pd.DataFrame) -> None:
    runs, grouped = each_run(table, [ACCURACY]), over_seeds(table, [ACCURACY])
    assert len(runs) == len(table)
    assert set(grouped) - set(runs) == {f"{ACCURACY}:sd", f"{ACCURACY}:n"}
    assert set(runs) <= set(grouped)


def test_configurations_have_names_of_their_own(table: pd.DataFrame) -> None:
    names = table.drop_duplicates("configuration")["name"]
    assert names.is_unique
    assert "ViT-B/16, full (Santoro et al.)" in set(names)
    assert "Xception, dropout head, scale cpu" in set(names)
    assert {"DCGAN, ning, scale cpu [generator lr 0.0005]"} <= set(names)


def test_one_fact_that_does_not_tell_configurations_apart_is_joined_by_others(tmp_path: Path) -> None:
    sweep = [generator_record(learning_rate=rate) for rate in (1e-4, 5e-4)]
    whole, web = generator_record(), generator_record()
    whole.dataset.num_images["train"] = 37_000
    web.dataset.id = "faces64:web"
    for number, record in enumerate((*sweep, whole, web)):
        record.run_id = f"20260102T00000{number}Z-generation-dcgan-ning-s42"
        write_record(record, tmp_path / str(number) / "record.json")
    names = {name.partition("[")[2] for name in frame_of(tmp_path)["name"]}
    assert names == {
        "faces64, 2,000 pictures, generator lr 0.0001]",
        "faces64, 2,000 pictures, generator lr 0.0005]",
        "faces64, 37,000 pictures, generator lr 0.0005]",
        "faces64:web, 2,000 pictures, generator lr 0.0005]",
    }


def test_columns_of_numbers_are_those_that_rows_have(table: pd.DataFrame) -> None:
    of_generators = numbers(table[table["task"] == "generation"])
    assert "validation/fid/lite0" in of_generators
    assert ACCURACY not in of_generators
    assert not [name for name in of_generators if name.endswith((":low", ":high"))]


def test_no_records_are_an_empty_table() -> None:
    empty = frame_of()
    assert not len(empty)
    assert options(empty, "task") == []
    assert not len(over_seeds(empty, [ACCURACY]))
