"""One training run before it starts: data, model, recipe and seed, and what the loop needs of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from anime_models import metrics
from anime_models.backbones import HALF, FaceModel, build_model, load_packaged_weights, set_image_size
from anime_models.calibration import calibrated, fit_temperature
from anime_models.checkpoints import load_checkpoint
from anime_models.errors import ConfigError, DatasetError
from anime_models.face_datasets import SPLITS, FaceDataset
from anime_models.hub import local_folder
from anime_models.preprocessing import Preprocessing, eval_input, resize_square
from training.classification.drawn_data import drawn_emotion_faces
from training.classification.pixels import Pool, TrainingPixels, balanced
from training.classification.segments import split_at
from training.classification.strangers import Strangers
from training.common.start_weights import fetch_imagenet, fitting_start_weights
from training.recipes import Recipe

# Training pictures are kept a quarter larger than the input, so that random crops lose no detail.
CACHE_MARGIN = 1.25
VALIDATION_BATCH = 64
NUM_DRAWN = 120  # procedural faces of each emotion and neutral, where the recipe asks for them


@dataclass(frozen=True)
class Job:
    """One training run: data, model, recipe and seed."""

    task: str
    data_name: str
    revision: str
    splits: dict[str, FaceDataset]
    strangers: Strangers | None
    backbone: str
    head: str
    start: str
    recipe: Recipe
    seed: int
    precision: str
    cache: Path
    study: str | None = None

    @property
    def label_names(self) -> tuple[str, ...]:
        """The classes."""
        return self.splits["train"].label_names

    @property
    def stranger_output(self) -> bool:
        """Whether the model gets an extra output, trained on strangers."""
        return self.strangers is not None and self.recipe.stranger_share > 0

    @property
    def num_images(self) -> dict[str, int]:
        """Pictures in each split, strangers as ``strangers_<split>``."""
        counts = {split: len(data) for split, data in self.splits.items()}
        if self.strangers is not None:
            known = [split for split in SPLITS if split in self.splits]
            counts |= {f"strangers_{split}": len(self.strangers.split(split)) for split in known}
        return counts


def check_labels(job: Job) -> None:
    """Refuse splits that no classifier can learn from, however they are divided.

    Raises:
        DatasetError: when a picture has no label, or the splits have other classes.
    """
    names = job.label_names
    for split, data in job.splits.items():
        if not len(data) or not names or (data.labels < 0).any():
            raise DatasetError(
                f"{job.data_name}/{split}: every picture needs a label, a ClassLabel in the column 'label', and there "
                "has to be a picture; name a dataset folder whose splits are labelled."
            )
        if data.label_names != names:
            raise DatasetError(
                f"{job.data_name}/{split}: its classes differ from those of train; make the splits alike."
            )


def check_data(job: Job) -> None:
    """Refuse splits that a classifier cannot learn from as they are, before any time is spent on them.

    Raises:
        DatasetError: as :func:`check_labels`, or when a class has no training picture.
    """
    check_labels(job)
    if job.stranger_output and job.strangers is not None and not len(job.strangers.train):
        raise DatasetError(f"{job.data_name}: there is no stranger to train on; add some, or leave --strangers out.")
    counts = np.bincount(job.splits["train"].labels, minlength=len(job.label_names))
    if not counts.all():
        missing = job.label_names[int(counts.argmin())]
        raise DatasetError(f"{job.data_name}/train: there is no picture of {missing!r}; add some.")


def check_start(job: Job) -> None:
    """Refuse start weights and an image size that a run would fail on, before there is a folder for it.

    Raises:
        ConfigError: when the start weights are another backbone's, or the image size cannot be used.
        HubError, CheckpointError: when the start weights are not there, not complete, or cannot be fetched.
    """
    fitting_start_weights(job.start, job.backbone)
    size = preprocessing_of(job).image_size
    if job.start == "imagenet":
        fetch_imagenet(job.backbone, size)


def preprocessing_of(job: Job) -> Preprocessing:
    """Input size of the recipe; mean and standard deviation of the start weights."""
    size = job.recipe.image_size
    mean, std = HALF, HALF
    if job.start == "imagenet":
        settings = build_model(job.backbone, job.head, 2, size).backbone.pretrained_cfg
        mean, std = settings["mean"], settings["std"]
    elif job.start not in ("packaged", "random"):
        start = load_checkpoint(local_folder(job.start)).config.preprocessing
        mean, std = start.mean, start.std
    try:
        return Preprocessing(image_size=size, resize=round(size * job.recipe.eval_zoom), mean=mean, std=std)
    except ValidationError as error:
        raise ConfigError(f"The image size {size} cannot be used: {error.errors()[0]['msg']}.") from error


def start_model(job: Job) -> FaceModel:
    """The model with its start weights, which :func:`check_start` lets through; the head is always new."""
    outputs = len(job.label_names) + job.stranger_output
    size, pretrained = job.recipe.image_size, job.start == "imagenet"
    model = build_model(job.backbone, job.head, outputs, size, pretrained=pretrained)
    if job.start == "packaged":
        load_packaged_weights(model, job.backbone)
    elif job.start not in ("imagenet", "random"):
        start = load_checkpoint(local_folder(job.start))
        set_image_size(start.model, size)
        model.backbone.load_state_dict(start.model.backbone.state_dict())
    return model.to(memory_format=torch.channels_last)


def training_pixels(job: Job, preprocessing: Preprocessing) -> TrainingPixels:
    """Decode the training pictures once: known faces, strangers under an extra label, procedural faces."""
    side = round(preprocessing.image_size * CACHE_MARGIN)
    known, recipe = job.splits["train"], job.recipe
    stranger_label = len(job.label_names)
    parts, labels, shares = [known], [known.labels], [1.0]
    if job.stranger_output and job.strangers is not None:
        parts.append(job.strangers.train)
        labels.append(np.full(len(job.strangers.train), stranger_label))
        shares.append(recipe.stranger_share)
    if recipe.drawn_share:
        drawn = drawn_emotion_faces(job.label_names, NUM_DRAWN, job.seed)
        drawn = drawn if job.stranger_output else drawn.select(np.flatnonzero(drawn.labels >= 0))
        parts.append(drawn)
        labels.append(np.where(drawn.labels < 0, stranger_label, drawn.labels))
        shares.append(recipe.drawn_share)
    shares[0] -= sum(shares[1:])
    targets = torch.from_numpy(np.concatenate(labels))
    ends = np.cumsum([len(part) for part in parts])
    pools = []
    for part, end, share in zip(parts, ends, shares, strict=True):
        rows = torch.arange(end - len(part), end)
        exponent = recipe.class_balance if part is known else 0.0
        pools.append(Pool(rows, balanced(targets[rows], exponent), share))
    pixels = torch.stack([resize_square(image, side) for part in parts for image in part.images])
    return TrainingPixels(pixels, targets, tuple(pools))


class Validator:
    """Measures a model on the known validation pictures.

    What frozen stages make of them is computed once for as long as no further stage is opened.
    """

    def __init__(self, job: Job, preprocessing: Preprocessing, device: torch.device) -> None:
        self.labels = job.splits["validation"].labels
        self.num_classes = len(job.label_names)
        images = eval_input(job.splits["validation"].images, preprocessing)
        views = [images, images.flip(-1)] if job.recipe.test_time_flip else [images]
        self.views = [view.to(device).split(VALIDATION_BATCH) for view in views]
        self.num_open = 0
        self.features: list[list[Tensor]] = []

    def __call__(self, model: FaceModel, num_open: int) -> dict[str, float]:
        """Losses (as it is, and at the best temperature), accuracy and macro F1.

        Label smoothing and mixing leave the logits too small to a degree that changes from epoch to epoch, and the
        temperature is fitted afterwards anyway: hence the second loss.
        """
        model.eval()
        lower, upper = split_at(model, num_open)
        with torch.inference_mode():
            if num_open != self.num_open:
                self.num_open = num_open
                self.features = [[lower(batch) for batch in view] for view in self.views]
            logits = torch.stack([torch.cat([upper(batch) for batch in view]) for view in self.features]).mean(dim=0)
        return self._figures(logits[:, : self.num_classes].double().cpu().numpy())

    def _figures(self, logits: np.ndarray) -> dict[str, float]:
        predictions = logits.argmax(axis=1)
        losses = [
            metrics.negative_log_likelihood(self.labels, calibrated(logits, temperature))
            for temperature in (1.0, fit_temperature(logits, self.labels))
        ]
        return {
            "validation/loss": losses[0],
            "validation/calibrated_loss": losses[1],
            "validation/accuracy": metrics.accuracy(self.labels, predictions),
            "validation/macro_f1": metrics.macro_f1(self.labels, predictions, self.num_classes),
        }
