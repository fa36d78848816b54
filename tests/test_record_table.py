"""Records as rows: which facts and numbers they have, and how rows become columns."""

import numpy as np

from anime_models.record_table import FACTS, columns, flatten
from anime_models.records import RunRecord
from tests.small_records import classifier_record, generator_record


def fact(record: RunRecord, name: str) -> str | None:
    return flatten(record).facts[FACTS.index(name)]


def number(record: RunRecord, name: str) -> float:
    row = flatten(record)
    return float(row.values[row.names.index(name)])


def test_numbers_keep_the_names_of_the_record() -> None:
    record = classifier_record("resnet50", "partial", 44)
    assert record.calibration is not None
    assert number(record, "model.num_parameters") == 23_500_000
    assert number(record, "timing.inference_ms.p50") == 23.5
    assert number(record, "recipe.epochs") == 20
    assert number(record, "calibration.after.ece") == record.calibration.after.ece
    assert number(record, "test/accuracy") == record.value("accuracy")
    assert number(record, "test/accuracy:high") > number(record, "test/accuracy:low")
    assert number(record, "seed") == 44


def test_classes_and_texts_are_no_columns_of_numbers() -> None:
    names = flatten(classifier_record()).names
    assert "test/f1" not in names
    assert not [name for name in names if name.startswith("recipe.") and "name" in name]


def test_facts_are_text_or_nothing() -> None:
    record = classifier_record()
    assert (fact(record, "backbone"), fact(record, "scale"), fact(record, "paper")) == ("resnet18", "cpu", None)


def test_settings_tell_runs_of_other_recipes_apart_but_not_seeds() -> None:
    one, same, other = classifier_record(seed=1), classifier_record(seed=2), classifier_record(seed=1)
    other.recipe["head_lr"] = 0.5
    assert fact(one, "settings") == fact(same, "settings") != fact(other, "settings")


def test_the_protocol_follows_from_the_command() -> None:
    record = classifier_record()
    assert record.code is not None
    assert fact(record, "protocol") == "hold-out"
    record.code.command = ["train_classifier.py", "--folds=5"]
    assert fact(record, "protocol") == "folds"
    record.code.command = ["train_classifier.py", "--cross-fit", "4"]
    assert fact(record, "protocol") == "cross-fit"


def test_rows_with_other_columns_stand_in_one_table() -> None:
    table = columns([flatten(classifier_record()), flatten(generator_record())])
    assert list(table["task"]) == ["emotion", "generation"]
    assert np.isnan(table["test/accuracy"][1])
    assert np.isnan(table["validation/fid/lite0"][0])
    assert table["validation/fid/lite0"][1] == 40


def test_no_rows_are_no_table() -> None:
    table = columns([])
    assert set(table) == set(FACTS)
    assert len(table["run_id"]) == 0
