"""What a record says of a classifier: its figures against another implementation, its cost against arithmetic."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss, precision_recall_fscore_support

from anime_models.classifier import Classifier
from anime_models.records import ModelPart
from tests.small_models import write_checkpoint
from training.classification.measure import classification_results, with_cost

NAMES = ("a", "b", "c", "absent")


def test_scores_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 60, p=[0.6, 0.3, 0.1])
    probabilities = rng.dirichlet(np.ones(len(NAMES)), 60) * [1, 1, 1, 1e-3]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predictions = probabilities.argmax(axis=1)
    results = classification_results("test", labels, probabilities, NAMES, [str(row) for row in range(60)])
    found = {result.metric: result.value for result in results if result.class_name is None}
    for average in ("macro", "weighted"):
        expected = precision_recall_fscore_support(labels, predictions, average=average, zero_division=0)
        scores = [found[f"{average}_{name}"] for name in ("precision", "recall", "f1")]
        assert scores == pytest.approx(expected[:3])
    assert found["loss"] == pytest.approx(log_loss(labels, probabilities, labels=range(len(NAMES))))
    assert found["weighted_recall"] == pytest.approx(found["accuracy"])
    for result in results:
        if result.class_name is None:
            assert result.ci95 is not None
            assert result.ci95[0] <= result.value <= result.ci95[1], result.metric
    of_classes = {result.class_name: result.value for result in results if result.metric == "f1"}
    assert list(of_classes) == list(NAMES)


def test_attention_counts_among_the_operations(tmp_path: Path) -> None:
    """Per block: four projections, the perceptron, and two products of tokens with tokens; a multiply-add is two."""
    classifier = Classifier.load(write_checkpoint(tmp_path / "vit", backbone="vit_small_16"))
    size, width, depth, patch = classifier.config.preprocessing.image_size, 384, 12, 16
    patches = (size // patch) ** 2
    tokens = patches + 1
    block = tokens * 12 * width**2 + 2 * tokens**2 * width
    head = width * classifier.config.num_outputs
    assert with_cost(ModelPart(backbone="vit_small_16"), classifier).flops == 2 * (
        patches * 3 * patch**2 * width + depth * block + head
    )
