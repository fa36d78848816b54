"""The most confident mistakes, and where models disagree."""

import numpy as np
import pytest

from anime_models.run_files import Predictions
from apps.dashboard.answers import answers, disagreements, mistakes

NAMES = ("cat", "dog")


def said(logits: list[list[float]], ids: tuple[str, ...] = ("a", "b", "c", "d")) -> Predictions:
    return Predictions(ids, np.array([0, 0, 1, 1][: len(ids)]), np.array(logits), NAMES)


FIRST = said([[2, 0], [0, 1], [3, 0], [0, 5]])  # wrong on b (a little) and c (surely)
SECOND = said([[2, 0], [1, 0], [4, 0], [1, 0]])  # wrong on c and d


def test_answers_have_their_confidence_at_the_temperature() -> None:
    table = answers(FIRST, 2.0)
    assert list(table["answer"]) == ["cat", "dog", "cat", "dog"]
    assert list(table["right"]) == [True, False, False, True]
    assert table["confidence"][0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_mistakes_begin_with_the_surest() -> None:
    table = answers(FIRST, 1.0)
    assert list(mistakes(table)["id"]) == ["c", "b"]
    assert list(mistakes(table, truth="cat")["id"]) == ["b"]
    assert list(mistakes(table, answer="cat")["id"]) == ["c"]
    assert not len(mistakes(table, truth="cat", answer="cat"))


def test_disagreements_are_pictures_with_different_answers() -> None:
    rows = disagreements({"one": answers(FIRST, 1.0), "two": answers(SECOND, 1.0)})
    assert set(rows["id"]) == {"b", "d"}
    assert dict(zip(rows["id"], rows["two"], strict=True)) == {"b": "cat", "d": "cat"}
    assert list(rows["wrong"]) == [1, 1]


def test_only_pictures_that_all_models_saw_are_compared() -> None:
    fewer = said([[0, 1], [0, 1]], ids=("a", "b"))
    rows = disagreements({"one": answers(FIRST, 1.0), "two": answers(fewer, 1.0)})
    assert list(rows["id"]) == ["a"]
