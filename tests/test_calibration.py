"""Temperature, conformal sets and abstention hold what they promise."""

import itertools
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from anime_models.calibration import (
    LEAST_ANSWERED,
    Abstention,
    Calibration,
    Conformal,
    calibrated,
    fit_abstention,
    fit_calibration,
    fit_conformal,
    fit_temperature,
    inclusion,
    label_sets,
)
from anime_models.errors import ConfigError
from anime_models.metrics import negative_log_likelihood, risk_coverage, softmax, top_label


def sample(seed: int, num_images: int, num_classes: int = 8, spread: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the true distribution of the labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=spread, size=(num_images, num_classes))
    probabilities = softmax(logits)
    labels = (probabilities.cumsum(axis=1) > rng.uniform(size=(num_images, 1))).argmax(axis=1)
    return logits, labels


class TestTemperature:
    @pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7, 6.0])
    def test_a_known_one_is_recovered(self, temperature: float) -> None:
        logits, labels = sample(0, 20_000)
        assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.03)

    @pytest.mark.parametrize("seed", range(40))
    def test_it_never_makes_the_fit_worse(self, seed: int) -> None:
        """Whatever the logits: right, wrong, at random, enormous, tiny, of very few pictures."""
        rng = np.random.default_rng(seed)
        num_images, num_classes = int(rng.integers(1, 40)), int(rng.integers(2, 12))
        logits = rng.normal(size=(num_images, num_classes)) * 10.0 ** rng.uniform(-3, 4)
        labels = [
            rng.integers(0, num_classes, num_images),
            logits.argmax(axis=1),
            logits.argmin(axis=1),
            np.where(rng.uniform(size=num_images) < 0.9, logits.argmax(axis=1), 0),
        ][seed % 4]
        temperature = fit_temperature(logits, labels)
        assert 0.01 < temperature < 100
        before, after = (negative_log_likelihood(labels, calibrated(logits, t)) for t in (1.0, temperature))
        assert after <= before + 1e-6

    def test_logits_that_are_always_wrong_give_a_high_and_never_a_negative_one(self) -> None:
        logits = np.array([[9.0, 0.0], [0.0, 9.0]] * 10)
        assert fit_temperature(logits, np.array([1, 0] * 10)) > 40

    def test_logits_that_are_always_right_give_a_low_one_above_zero(self) -> None:
        assert 0 < fit_temperature(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 1])) < 0.1

    def test_constant_logits_are_survived(self) -> None:
        assert fit_temperature(np.zeros((5, 3)), np.zeros(5, dtype=int)) > 0

    def test_it_keeps_the_order_of_the_classes(self) -> None:
        logits, _ = sample(1, 100)
        order = calibrated(logits, 1.0).argsort(axis=1)
        assert np.array_equal(calibrated(logits, 3.0).argsort(axis=1), order)
        np.testing.assert_allclose(calibrated(logits, 3.0).sum(axis=1), 1)

    @pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
    def test_what_is_no_temperature_is_refused(self, temperature: float) -> None:
        with pytest.raises(ConfigError, match="above 0"):
            calibrated(np.zeros((1, 2)), temperature)


def miss_rates(seed: int, alpha: float, num_images: int = 200) -> tuple[float, float]:
    """Share of fresh labels outside the randomised sets and outside those shown, fitted on other pictures."""
    logits, labels = sample(seed, num_images + 1000)
    # Overconfident, as a network is: the sets have to make up for it.
    probabilities = calibrated(logits * 1.5, 1.0)
    fitted = fit_conformal(probabilities[:num_images], labels[:num_images], alpha)
    fresh, truth = probabilities[num_images:], labels[num_images:]
    randomised = inclusion(fresh, fitted.threshold)[np.arange(len(truth)), truth].mean()
    shown = np.mean([label in chosen for label, chosen in zip(truth, label_sets(fresh, fitted), strict=True)])
    return 1 - float(randomised), 1 - float(shown)


class TestConformal:
    @pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
    def test_sets_miss_as_many_labels_as_they_say(self, alpha: float) -> None:
        missed = np.array([miss_rates(seed, alpha) for seed in range(60)])
        assert missed[:, 0].mean() == pytest.approx(alpha, abs=0.012)
        assert missed[:, 1].mean() < alpha

    def test_a_small_split_is_not_trusted_too_much(self) -> None:
        missed = np.array([miss_rates(seed, 0.1, num_images=30) for seed in range(100)])
        assert missed[:, 0].mean() <= 0.11

    def test_the_threshold_falls_as_alpha_rises(self) -> None:
        logits, labels = sample(3, 300)
        probabilities = softmax(logits)
        thresholds = [fit_conformal(probabilities, labels, alpha).threshold for alpha in np.linspace(0.02, 0.9, 23)]
        assert thresholds == sorted(thresholds, reverse=True)
        assert thresholds[0] > thresholds[-1]

    def test_too_few_pictures_give_everything(self) -> None:
        """Of five pictures none can be missed with 90% coverage."""
        logits, labels = sample(4, 5)
        assert fit_conformal(softmax(logits), labels).threshold > 0.5
        probabilities = np.full((5, 4), 0.25)
        fitted = fit_conformal(probabilities, np.zeros(5, dtype=int))
        assert inclusion(probabilities, fitted.threshold)[:, 0].min() == pytest.approx(1)

    def test_inclusion_by_hand(self) -> None:
        chances = inclusion(np.array([[0.2, 0.5, 0.3]]), 0.6)
        np.testing.assert_allclose(chances, [[0, 1, 1 / 3]], atol=1e-12)

    def test_shown_sets_hold_the_randomised_ones_and_never_nothing(self) -> None:
        logits, _ = sample(5, 300)
        probabilities = softmax(logits * 3)
        for threshold in (0.0, 0.1, 0.5, 0.9, 1.0):
            sets = label_sets(probabilities, Conformal(alpha=0.1, threshold=threshold))
            for chances, row, chosen in zip(inclusion(probabilities, threshold), probabilities, sets, strict=True):
                assert len(chosen) >= 1
                assert set(np.flatnonzero(chances > 0)) <= set(chosen.tolist())
                assert chosen.tolist() == np.argsort(-row, kind="stable")[: len(chosen)].tolist()

    def test_sets_grow_with_the_threshold(self) -> None:
        probabilities = softmax(sample(6, 50)[0])
        sizes = [
            [len(chosen) for chosen in label_sets(probabilities, Conformal(alpha=0.1, threshold=threshold))]
            for threshold in (0.0, 0.4, 0.8, 1.0)
        ]
        assert sizes[0] == [1] * 50
        assert all((np.array(small) <= np.array(large)).all() for small, large in itertools.pairwise(sizes))

    def test_certain_and_tied_probabilities_are_survived(self) -> None:
        probabilities = np.array([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0.0]])
        sets = label_sets(probabilities, Conformal(alpha=0.1, threshold=0.9))
        assert [chosen.tolist() for chosen in sets] == [[0], [0, 1, 2], [0, 1]]


class TestAbstention:
    @pytest.mark.parametrize("seed", range(30))
    def test_answers_that_are_given_err_at_most_as_often_as_allowed(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        # Few distinct confidences on every second seed: whole groups of answers share one.
        logits, labels = sample(seed, int(rng.integers(5, 300)), num_classes=4)
        probabilities = softmax(logits.round(0 if seed % 2 else 6))
        fitted = fit_abstention(probabilities, labels)
        confidences, correct = top_label(labels, probabilities)
        answered = confidences >= fitted.threshold
        assert (~correct[answered]).sum() <= fitted.selective_risk * answered.sum()

    def test_a_few_confident_mistakes_lead_to_the_next_risk_not_to_silence(self) -> None:
        correct = np.ones(200, dtype=bool)
        correct[[3, 4, *range(20, 200, 14)]] = False  # 8% of the surest fifty, and about as many further on
        confidences = np.linspace(0.99, 0.6, 200)
        probabilities = np.stack([confidences, 1 - confidences], axis=1)
        fitted = fit_abstention(probabilities, np.where(correct, 0, 1))
        assert fitted.selective_risk == 0.1
        assert (confidences >= fitted.threshold).mean() > 0.5

    def test_it_is_the_lowest_threshold_that_does(self) -> None:
        logits, labels = sample(2, 500)
        probabilities = softmax(logits)
        surest = probabilities.max(axis=1) > 0.5
        labels = np.where(surest & (np.arange(500) % 30 > 0), probabilities.argmax(axis=1), labels)
        confidences, correct = top_label(labels, probabilities)
        threshold = fit_abstention(probabilities, labels).threshold
        coverage, risks = risk_coverage(confidences, correct)
        assert (confidences >= threshold).mean() == coverage[risks <= 0.05].max() >= LEAST_ANSWERED

    def test_without_errors_everything_is_answered(self) -> None:
        probabilities = np.array([[0.9, 0.1], [0.4, 0.6]])
        assert fit_abstention(probabilities, np.array([0, 1])).threshold == 0.6

    def test_equals_are_answered_together_or_not_at_all(self) -> None:
        probabilities = np.array([[0.8, 0.2]] * 4)
        assert fit_abstention(probabilities, np.array([0, 1, 1, 1])).threshold > 0.8

    def test_where_nothing_helps_nothing_seen_is_answered(self) -> None:
        probabilities = np.array([[0.9, 0.1], [0.8, 0.2]])
        assert fit_abstention(probabilities, np.array([1, 1])).threshold > 0.9


class TestCalibration:
    def test_everything_is_fitted_at_the_temperature_found(self) -> None:
        logits, labels = sample(7, 400)
        fitted = fit_calibration(logits * 2, labels)
        probabilities = calibrated(logits * 2, fitted.temperature)
        assert fitted.temperature == fit_temperature(logits * 2, labels)
        assert fitted.conformal == fit_conformal(probabilities, labels, alpha=0.1)
        assert fitted.abstention == fit_abstention(probabilities, labels)
        assert (fitted.fitted_on, fitted.num_images) == ("validation", 400)

    def test_it_survives_a_file(self) -> None:
        fitted = fit_calibration(*sample(8, 100))
        assert Calibration.model_validate_json(fitted.model_dump_json()) == fitted

    @pytest.mark.parametrize(
        "wrong",
        [{"temperature": 0}, {"temperature": -2}, {"method": "platt"}, {"extra": 1}, {"conformal": None}],
    )
    def test_wrong_values_are_refused(self, wrong: dict[str, Any]) -> None:
        fields = fit_calibration(*sample(9, 50)).model_dump()
        with pytest.raises(ValidationError):
            Calibration(**{**fields, **wrong})

    def test_thresholds_lie_in_the_unit_interval(self) -> None:
        with pytest.raises(ValidationError):
            Conformal(alpha=0.1, threshold=1.1)
        with pytest.raises(ValidationError):
            Abstention(selective_risk=0.05, threshold=-0.1)
