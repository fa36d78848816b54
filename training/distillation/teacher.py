"""The teacher of a distillation, the views that it and its students see, and what a student learns from it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from anime_models.backbones import FaceModel, build_model, load_packaged_weights
from anime_models.errors import ConfigError
from anime_models.preprocessing import Augmentation, Preprocessing, normalise, train_transform
from anime_models.records import Result
from training.classification.feature_cache import CachedViews, View, cached_views, digest
from training.classification.pixels import augmented, picture_seed
from training.common.precision import fastest_precision
from training.distillation.data import DistillationData, Faces

TEACHER, EMBEDDING_SIZE = "efficientnet_lite0", 1280
# Faces are small: enlarged to this size the teacher tells characters apart better than at 128 px.
TEACHER_SIZE = 160
# The views are the same for all students and seeds, so that the teacher looks at them once.
NUM_VIEWS, VIEW_SEED = 2, 0
VARIED = Augmentation(crop_scale=(0.5, 1.0), crop_ratio=(0.8, 1.25), flip=0.5, jitter=0.2, greyscale=0.05)
WHOLE = Augmentation()
ROWS_AT_A_TIME, SMALLEST_VARIANCE = 4096, 1e-8
BATCH_SIZE = 64
PROBED_SIZE = 64  # which precision is faster shows on small pictures too

# What a record says of all this.
TEACHING = {
    "teacher": TEACHER,
    "teacher_image_size": TEACHER_SIZE,
    "views": NUM_VIEWS,
    "view_seed": VIEW_SEED,
    "augmentation": asdict(VARIED),
}


def teacher_model() -> FaceModel:
    """EfficientNet-Lite0 with the packaged ImageNet weights, in eval mode; its head is not used."""
    teacher = build_model(TEACHER, "plain", 1, TEACHER_SIZE)
    load_packaged_weights(teacher, TEACHER)
    return teacher.eval().to(memory_format=torch.channels_last)


def preprocessing_at(image_size: int) -> Preprocessing:
    """Whole pictures, scaled as the teacher was trained; students see them alike."""
    try:
        return Preprocessing(image_size=image_size, resize=image_size)
    except ValidationError as error:
        raise ConfigError(f"The image size {image_size} cannot be used: {error.errors()[0]['msg']}.") from error


def inputs_of(faces: Faces, image_size: int, augmentation: Augmentation) -> View:
    """A function of the number of a view and rows ``[n]`` to normalised inputs ``[n, 3, image_size, image_size]``.

    A view of a picture has the same crop, mirroring and colours at every size.
    """
    preprocessing = preprocessing_at(image_size)
    transform = train_transform(preprocessing, augmentation)

    def view(number: int, rows: Tensor) -> Tensor:
        # One at a time, since they differ in size.
        pixels = [
            augmented(faces.pixels[row][None], transform, [picture_seed(VIEW_SEED, number, row)])
            for row in rows.tolist()
        ]
        return normalise(torch.cat(pixels), preprocessing)

    return view


def teacher_features(
    teacher: FaceModel, faces: Faces, augmentation: Augmentation, num_views: int, precision: str, cache: Path
) -> CachedViews:
    """The teacher's pooled features of every view of every picture, ``[num_views, N, F]``, from the cache."""

    total = num_views * len(faces)
    with tqdm(total=total, desc="the teacher looks at the pictures", unit="img", disable=None) as bar:

        def features(images: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
                seen = teacher.features(images)
            bar.update(len(images))
            return seen

        return cached_views(
            cache,
            features,
            inputs_of(faces, TEACHER_SIZE, augmentation),
            num_images=len(faces),
            num_views=num_views,
            key_parts={
                "weights": digest(teacher.backbone.state_dict()),
                "pictures": hashlib.sha256("\n".join(faces.ids).encode()).hexdigest(),
                "image_size": TEACHER_SIZE,
                "augmentation": asdict(augmentation),
                "seed": VIEW_SEED,
            },
        )


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of each of the teacher's features over all views, ``[F]``."""

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, features: CachedViews) -> Scale:
        """Measure it."""
        num_views, num_images, _ = features.features.shape
        sums = [
            (part.sum(dim=0), part.square().sum(dim=0))
            for view in range(num_views)
            for rows in torch.arange(num_images).split(ROWS_AT_A_TIME)
            for part in [features.batch(view, rows).double()]
        ]
        mean, square = (torch.stack(parts).sum(dim=0) / (num_views * num_images) for parts in zip(*sums, strict=True))
        return cls(mean.float(), (square - mean.square()).clamp(min=SMALLEST_VARIANCE).sqrt().float())


@dataclass(frozen=True)
class Lessons:
    """Pictures, and what the teacher says of them.

    Attributes:
        augmentation: how the views differ from the pictures.
        features: the teacher's, of every view.
        scale: what they are standardised by: without it the few that vary most, which say that there is a face at all,
            would drown the others.
    """

    faces: Faces
    augmentation: Augmentation
    features: CachedViews
    scale: Scale

    @property
    def num_images(self) -> int:
        """How many pictures there are."""
        return len(self.faces)

    def batch(self, view: int, rows: Tensor, image_size: int) -> tuple[Tensor, Tensor]:
        """Normalised inputs ``[n, 3, image_size, image_size]`` and standardised features ``[n, F]`` of rows ``[n]``.

        Views are counted on and on: after the last comes the first.
        """
        view %= len(self.features.features)
        targets = (self.features.batch(view, rows).float() - self.scale.mean) / self.scale.std
        return inputs_of(self.faces, image_size, self.augmentation)(view, rows), targets


def prepare_lessons(data: DistillationData, precision: str, cache: Path) -> tuple[Lessons, Lessons]:
    """Lessons on the training pictures, and on the validation pictures as they are.

    Args:
        data: the pictures.
        precision: of the teacher's passes: ``fp32``, ``bf16``, or ``auto`` for the faster one. Their difference is
            far below what students learn, so that features are found in the cache whichever they were computed in.
        cache: folder of cached features.
    """
    teacher = teacher_model()
    if precision == "auto":
        precision = fastest_precision(teacher, PROBED_SIZE, torch.device("cpu"))
    features = teacher_features(teacher.eval(), data.train, VARIED, NUM_VIEWS, precision, cache)
    train = Lessons(data.train, VARIED, features, Scale.of(features))
    whole = teacher_features(teacher, data.validation, WHOLE, 1, precision, cache)
    return train, Lessons(data.validation, WHOLE, whole, train.scale)


def distillation_loss(embeddings: Tensor, targets: Tensor) -> Tensor:
    """One minus the mean cosine of the student's embeddings and the teacher's standardised features, ``[n, F]``."""
    return 1 - functional.cosine_similarity(embeddings, targets).mean()


def held_out_results(model: FaceModel, lessons: Lessons, image_size: int, precision: str) -> list[Result]:
    """Loss of a student, in eval mode, on pictures that it has not learnt from."""
    losses = []
    for rows in torch.arange(lessons.num_images).split(BATCH_SIZE):
        inputs, targets = lessons.batch(0, rows, image_size)
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            embeddings = model(inputs)
        losses.append(distillation_loss(embeddings.float(), targets).item() * len(rows))
    return [Result(split="validation", metric="distillation_loss", value=sum(losses) / lessons.num_images)]
