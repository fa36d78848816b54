import dataclasses

import pytest

from anime_models.classifier import Candidate, Prediction, Verdict
from apps.demo.wording import Task, bin_of, headline, one_line, percent, reliability_sentence, set_in_words, subline
from tests.apps.fakes import make_prediction, reliability_bins


def sure(confidence: float, *conformal_set: str) -> Prediction:
    candidates = (Candidate("Aoi", confidence, {"series": "Harbour"}), Candidate("Ren", 1 - confidence))
    return Prediction(candidates, Verdict.LABEL, conformal_set, 0.0)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.0, "0%"),
        (0.004, "<1%"),
        (0.01, "1%"),
        (0.876, "88%"),
        (0.99, "99%"),
        (0.9999, ">99%"),
        (1.0, "100%"),
    ],
)
def test_percent_never_rounds_to_certainty(fraction: float, text: str) -> None:
    assert percent(fraction) == text


def test_a_sure_answer() -> None:
    prediction = sure(0.95, "Aoi")
    assert headline("character", prediction) == "Aoi"
    assert subline(prediction) == "Harbour · 95% confident"
    assert set_in_words("character", prediction) == "Almost surely Aoi."
    assert one_line("character", prediction) == "Aoi (Harbour), 95% confident"


def test_a_set_of_one_is_almost_sure_only_when_the_confidence_is_high() -> None:
    assert set_in_words("character", sure(0.7, "Aoi")) == "Most likely Aoi."


def test_a_withheld_answer_keeps_its_best_guess() -> None:
    prediction = make_prediction("emotion", 1)
    assert headline("emotion", prediction) == "Not sure"
    assert subline(prediction) == "Best guess: Embarrassed, 52%"
    assert set_in_words("emotion", prediction) == "One of: Embarrassed, Happy or Psycho-Crazy."


@pytest.mark.parametrize(
    ("task", "answer"), [("character", "Not one of the characters I know"), ("emotion", "No clear emotion")]
)
def test_a_stranger_is_named_as_such(task: Task, answer: str) -> None:
    prediction = make_prediction(task, 2)
    assert headline(task, prediction) == answer
    assert set_in_words(task, prediction).startswith("If it")
    assert one_line(task, prediction).startswith(answer)


def test_a_stranger_is_never_almost_surely_anybody() -> None:
    prediction = dataclasses.replace(sure(0.99, "Aoi"), verdict=Verdict.STRANGER)
    assert "surely" not in set_in_words("character", prediction)


def test_a_long_set_names_the_first_and_counts_the_rest() -> None:
    prediction = sure(0.1, *"ABCDEFGHIJ")
    assert set_in_words("character", prediction) == "One of: A, B, C, D, E or 5 more."


def test_a_set_of_all_labels_says_so() -> None:
    assert set_in_words("character", sure(0.5, "Aoi", "Ren")) == "It could be any of the 2."


def test_the_reliability_sentence_gives_count_range_and_share() -> None:
    assert reliability_sentence(reliability_bins(), 0.95) == (
        "Of 200 test faces answered with 93-100% confidence, 95% were right."
    )


def test_the_reliability_sentence_warns_of_few_faces() -> None:
    assert reliability_sentence(reliability_bins(), 0.5) == (
        "2 of 4 test faces answered with 47-53% confidence were right; so few faces say little."
    )


def test_the_reliability_sentence_admits_an_empty_bar_and_a_missing_record() -> None:
    assert reliability_sentence(reliability_bins(), 0.1).startswith("No test face was answered with 7-13% confidence")
    assert reliability_sentence([], 0.9).startswith("This model came without a record")


@pytest.mark.parametrize(("confidence", "index"), [(0.0, 0), (1 / 15, 0), (0.0667, 1), (0.5, 7), (1.0, 14)])
def test_bars_reach_from_above_their_lower_to_their_upper_edge(confidence: float, index: int) -> None:
    bins = reliability_bins()
    assert bin_of(bins, confidence) is bins[index]
