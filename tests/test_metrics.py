"""Every number against scikit-learn or against a value worked out by hand."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from anime_models import metrics

NUM_CLASSES = 4


@pytest.fixture(params=range(5))
def predicted(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of 200 pictures, somewhat right."""
    rng = np.random.default_rng(request.param)
    labels = rng.integers(0, NUM_CLASSES, 200)
    logits = rng.normal(size=(200, NUM_CLASSES)) + 1.5 * np.eye(NUM_CLASSES)[labels]
    return labels, metrics.softmax(logits)


class TestAgainstScikitLearn:
    def test_confusion_and_class_scores(self, predicted: tuple[np.ndarray, np.ndarray]) -> None:
        labels, choices = predicted[0], predicted[1].argmax(axis=1)
        confusion = metrics.confusion_matrix(labels, choices, NUM_CLASSES)
        np.testing.assert_array_equal(confusion, sklearn_metrics.confusion_matrix(labels, choices))
        scores = metrics.class_scores(confusion)
        expected = sklearn_metrics.precision_recall_fscore_support(labels, choices)
        for ours, theirs in zip((scores.precision, scores.recall, scores.f1, scores.support), expected, strict=True):
            np.testing.assert_allclose(ours, theirs)

    def test_accuracy_and_macro_f1(self, predicted: tuple[np.ndarray, np.ndarray]) -> None:
        labels, choices = predicted[0], predicted[1].argmax(axis=1)
        assert metrics.accuracy(labels, choices) == pytest.approx(sklearn_metrics.accuracy_score(labels, choices))
        expected = sklearn_metrics.f1_score(labels, choices, average="macro")
        assert metrics.macro_f1(labels, choices, NUM_CLASSES) == pytest.approx(expected)

    def test_macro_f1_leaves_out_classes_that_do_not_occur(self) -> None:
        labels, choices = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 3])
        expected = sklearn_metrics.f1_score(labels, choices, average="macro", zero_division=0)
        assert metrics.macro_f1(labels, choices, 6) == pytest.approx(expected)
        present = metrics.present_classes(metrics.confusion_matrix(labels, choices, 6))
        assert present.tolist() == [True, True, False, True, False, False]

    @pytest.mark.parametrize("k", [1, 2, 3])
    def test_top_k(self, predicted: tuple[np.ndarray, np.ndarray], k: int) -> None:
        labels, probabilities = predicted
        assert metrics.top_k_accuracy(labels, probabilities, k) == pytest.approx(
            sklearn_metrics.top_k_accuracy_score(labels, probabilities, k=k)
        )

    def test_more_than_all_classes_hold_every_label(self, predicted: tuple[np.ndarray, np.ndarray]) -> None:
        assert metrics.top_k_accuracy(*predicted, k=NUM_CLASSES + 3) == 1.0

    def test_negative_log_likelihood_and_brier(self, predicted: tuple[np.ndarray, np.ndarray]) -> None:
        labels, probabilities = predicted
        assert metrics.negative_log_likelihood(labels, probabilities) == pytest.approx(
            sklearn_metrics.log_loss(labels, probabilities)
        )
        by_class = [sklearn_metrics.brier_score_loss(labels == c, probabilities[:, c]) for c in range(NUM_CLASSES)]
        assert metrics.brier_score(labels, probabilities) == pytest.approx(sum(by_class))

    @pytest.mark.parametrize("decimals", [1, 8])
    def test_area_under_roc(self, predicted: tuple[np.ndarray, np.ndarray], decimals: int) -> None:
        """With one decimal many scores are tied."""
        labels, probabilities = predicted
        scores = probabilities[:, 0].round(decimals)
        expected = sklearn_metrics.roc_auc_score(labels == 0, scores)
        assert metrics.area_under_roc(scores[labels != 0], scores[labels == 0]) == pytest.approx(expected)


class TestByHand:
    def test_softmax(self) -> None:
        np.testing.assert_allclose(metrics.softmax(np.log([[1.0, 3.0]])), [[0.25, 0.75]])
        np.testing.assert_array_equal(metrics.softmax(np.array([[1e4, 0.0], [-1e4, -1e4]])), [[1, 0], [0.5, 0.5]])

    def test_undefined_scores_are_zero(self) -> None:
        scores = metrics.class_scores(np.array([[2, 1, 0], [0, 3, 0], [0, 0, 0]]))
        np.testing.assert_allclose(scores.precision, [1, 3 / 4, 0])
        np.testing.assert_allclose(scores.recall, [2 / 3, 1, 0])
        np.testing.assert_allclose(scores.f1, [0.8, 6 / 7, 0])
        assert scores.support.tolist() == [3, 3, 0]

    def test_brier_score_spans_zero_to_two(self) -> None:
        labels = np.array([0, 1])
        assert metrics.brier_score(labels, np.eye(2)) == 0
        assert metrics.brier_score(labels, np.eye(2)[::-1]) == 2
        assert metrics.brier_score(labels, np.full((2, 2), 0.5)) == 0.5

    def test_an_impossible_label_costs_much_but_not_everything(self) -> None:
        assert 20 < metrics.negative_log_likelihood(np.array([0]), np.array([[0.0, 1.0]])) < 40

    def test_reliability_bins(self) -> None:
        confidences = np.array([0.05, 0.25, 0.5, 0.55, 0.9, 1.0])
        correct = np.array([False, True, False, True, True, True])
        bars = metrics.reliability(confidences, correct, num_bins=4)
        assert [bar.count for bar in bars] == [2, 1, 1, 2]
        assert [(bar.lower, bar.upper) for bar in bars] == [(0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)]
        assert [bar.accuracy for bar in bars] == [0.5, 0, 1, 1]
        assert [bar.confidence for bar in bars] == pytest.approx([0.15, 0.5, 0.55, 0.95])
        expected = (2 * 0.35 + 1 * 0.5 + 1 * 0.45 + 2 * 0.05) / 6
        assert metrics.calibration_error(bars) == pytest.approx(expected)

    def test_empty_bins_say_so_and_do_not_count(self) -> None:
        bars = metrics.reliability(np.array([0.9]), np.array([True]), num_bins=2)
        assert bars[0].count == 0
        assert np.isnan(bars[0].confidence)
        assert np.isnan(bars[0].accuracy)
        assert metrics.calibration_error(bars) == pytest.approx(0.1)

    def test_a_confidence_of_zero_is_in_the_first_bin(self) -> None:
        assert metrics.reliability(np.array([0.0]), np.array([False]))[0].count == 1

    def test_there_are_fifteen_bins(self) -> None:
        confidences, correct = np.linspace(0.01, 1, 300), np.ones(300, dtype=bool)
        equal_width = metrics.reliability(confidences, correct)
        assert [bar.upper for bar in equal_width] == pytest.approx([i / 15 for i in range(1, 16)])
        assert [bar.count for bar in metrics.adaptive_reliability(confidences, correct)] == [20] * 15

    def test_adaptive_bins_hold_equal_counts(self) -> None:
        confidences = np.array([0.9, 0.8, 0.99, 0.98])
        correct = np.array([True, False, True, True])
        bars = metrics.adaptive_reliability(confidences, correct, num_bins=2)
        assert [(bar.lower, bar.upper, bar.count) for bar in bars] == [(0.8, 0.9, 2), (0.98, 0.99, 2)]
        assert metrics.calibration_error(bars) == pytest.approx((2 * abs(0.85 - 0.5) + 2 * abs(0.985 - 1)) / 4)

    def test_fewer_pictures_than_adaptive_bins(self) -> None:
        bars = metrics.adaptive_reliability(np.array([0.5, 0.7]), np.array([True, True]))
        assert [bar.count for bar in bars] == [1, 1]

    def test_classwise_error_looks_at_every_class(self) -> None:
        """Always 0.6 for the first of two classes, which is right half of the time: each class is off by 0.1."""
        labels = np.array([0, 1])
        probabilities = np.array([[0.6, 0.4], [0.6, 0.4]])
        assert metrics.classwise_calibration_error(labels, probabilities) == pytest.approx(0.1)

    def test_calibrated_confidences_have_a_small_error(self) -> None:
        rng = np.random.default_rng(0)
        confidences = rng.uniform(0, 1, 100_000)
        correct = rng.uniform(0, 1, 100_000) < confidences
        assert metrics.calibration_error(metrics.reliability(confidences, correct)) < 0.01
        assert metrics.calibration_error(metrics.reliability(confidences**2, correct)) > 0.1

    def test_top_label(self) -> None:
        confidences, correct = metrics.top_label(np.array([0, 0]), np.array([[0.7, 0.3], [0.2, 0.8]]))
        assert confidences.tolist() == [0.7, 0.8]
        assert correct.tolist() == [True, False]

    def test_risk_coverage(self) -> None:
        coverage, risk = metrics.risk_coverage(np.array([0.6, 0.9, 0.8]), np.array([True, True, False]))
        np.testing.assert_allclose(coverage, [1 / 3, 2 / 3, 1])
        np.testing.assert_allclose(risk, [0, 1 / 2, 1 / 3])

    def test_area_under_risk_coverage(self) -> None:
        confidences, correct = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, True, False])
        assert metrics.area_under_risk_coverage(confidences, correct) == pytest.approx(1 / 16)
        assert metrics.area_under_risk_coverage(1 - confidences, correct) == pytest.approx(
            (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4
        )
        assert metrics.area_under_risk_coverage(confidences, np.ones(4, dtype=bool)) == 0

    def test_area_under_roc(self) -> None:
        assert metrics.area_under_roc(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1
        assert metrics.area_under_roc(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 0
        assert metrics.area_under_roc(np.array([1.0]), np.array([1.0])) == 0.5
        assert metrics.area_under_roc(np.array([1.0, 3.0]), np.array([2.0, 4.0])) == 0.75


def mean_of(values: np.ndarray) -> Callable[[np.ndarray], float]:
    return lambda rows: float(values[rows].mean())


def each(count: int) -> list[str]:
    """Every picture a group of its own."""
    return [str(number) for number in range(count)]


class TestBootstrap:
    def test_groups_whose_pictures_are_all_alike_count_as_one_picture_each(self) -> None:
        of_group = np.random.default_rng(0).normal(size=40)
        alike = np.repeat(of_group, 5)
        groups = [f"character {number}" for number in np.repeat(np.arange(40), 5)]
        assert metrics.bootstrap_interval(mean_of(alike), groups) == pytest.approx(
            metrics.bootstrap_interval(mean_of(of_group), each(40))
        )
        low, high = metrics.bootstrap_interval(mean_of(alike), each(200))
        assert high - low < 0.6 * np.ptp(metrics.bootstrap_interval(mean_of(alike), groups))

    def test_it_covers_the_truth_as_often_as_it_says(self) -> None:
        rng = np.random.default_rng(0)
        covered = 0
        for seed in range(200):
            low, high = metrics.bootstrap_interval(mean_of(rng.normal(size=60)), each(60), seed, 300)
            covered += low <= 0 <= high
        assert 0.88 <= covered / 200 <= 0.99

    def test_its_width_is_that_of_the_normal_approximation(self) -> None:
        correct = np.arange(400) % 10 < 8
        low, high = metrics.bootstrap_interval(mean_of(correct), each(400))
        assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(0.8 * 0.2 / 400), rel=0.1)
        assert low < 0.8 < high

    def test_a_seed_fixes_it(self) -> None:
        mean = mean_of(np.random.default_rng(1).normal(size=30))
        first, again, other = (metrics.bootstrap_interval(mean, each(30), seed) for seed in (1, 1, 2))
        assert first == again != other


class TestChanceCalibrationErrors:
    def test_they_are_the_errors_of_answers_that_are_right_as_often_as_they_claim(self) -> None:
        rng = np.random.default_rng(1)
        confidences = rng.uniform(0.3, 1.0, 200)
        drawn = [
            metrics.calibration_error(metrics.reliability(confidences, rng.random(200) < confidences))
            for _ in range(300)
        ]
        errors = metrics.chance_calibration_errors(confidences)
        assert errors.shape == (1000,)
        assert errors.mean() == pytest.approx(np.mean(drawn), abs=0.003)
        assert np.percentile(errors, 97.5) == pytest.approx(np.percentile(drawn, 97.5), abs=0.006)

    def test_they_shrink_with_more_pictures_and_with_certainty(self) -> None:
        confidences = np.random.default_rng(2).uniform(0.3, 1.0, 4000)
        assert (
            metrics.chance_calibration_errors(confidences).mean()
            < metrics.chance_calibration_errors(confidences[:100]).mean() / 3
        )
        assert metrics.chance_calibration_errors(np.ones(50)).max() == 0
