"""How well a linear classifier tells characters apart by a backbone's features, which stay as they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from anime_models import metrics
from anime_models.backbones import FaceModel
from anime_models.checkpoints import CheckpointConfig
from anime_models.classifier import network_outputs
from anime_models.face_datasets import FaceDataset
from anime_models.records import Result

INVERSE_PENALTIES = (1e-3, 1e-2, 1e-1)  # of the squared weights; the best on validation is kept
MAX_ITERATIONS = 3000


def linear_probe(
    model: FaceModel, config: CheckpointConfig, splits: Mapping[str, FaceDataset], precision: str, metric: str
) -> list[Result]:
    """Accuracy on validation and test of a logistic regression on pooled features of the training pictures.

    The features are averaged over the mirror image where the config says so, and standardised.

    Args:
        model: in eval mode.
        splits: ``train``, ``validation`` and ``test`` with the same classes.
        precision: ``bf16`` computes the features under autocast.
        metric: name of the results.
    """
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        features = {split: network_outputs(model, config, data.images).features for split, data in splits.items()}
    labels = {split: data.labels for split, data in splits.items()}
    probes = [
        make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=MAX_ITERATIONS)) for c in INVERSE_PENALTIES
    ]
    for probe in probes:
        probe.fit(features["train"], labels["train"])
    best = max(probes, key=lambda probe: probe.score(features["validation"], labels["validation"]))
    return [_accuracy(split, metric, splits[split], best.predict(features[split])) for split in ("validation", "test")]


def _accuracy(split: str, metric: str, data: FaceDataset, predictions: np.ndarray) -> Result:
    labels = data.labels
    interval = metrics.bootstrap_interval(lambda rows: metrics.accuracy(labels[rows], predictions[rows]), data.groups)
    return Result(split=split, metric=metric, value=metrics.accuracy(labels, predictions), ci95=interval)
