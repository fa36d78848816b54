"""One run of a distillation: a folder with its record, from the first round to the measured start weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch

from anime_models.backbones import FaceModel, build_model, set_image_size
from anime_models.checkpoints import EMBEDDING, Checkpoint, CheckpointConfig, load_checkpoint, save_checkpoint
from anime_models.face_datasets import FaceDataset
from anime_models.records import (
    DatasetPart,
    ModelPart,
    RunRecord,
    TimingPart,
    current_code,
    current_environment,
    peak_rss_mb,
)
from training.common.optimisation import seed_everything
from training.common.precision import fastest_precision
from training.common.run_folders import REPOSITORY, failure_recorded, interrupted_record, store
from training.common.run_state import forget_state
from training.distillation.card import embedding_card
from training.distillation.data import DistillationData
from training.distillation.growth import grow
from training.distillation.inheritance import inherit
from training.distillation.linear_probe import linear_probe
from training.distillation.loop import DistillRecipe, fit_student, planned_epochs
from training.distillation.teacher import (
    EMBEDDING_SIZE,
    TEACHER,
    TEACHER_SIZE,
    TEACHING,
    Lessons,
    held_out_results,
    prepare_lessons,
    preprocessing_at,
    teacher_model,
)

STRATEGY, START_WEIGHTS = "distill", f"distilled:{TEACHER}"
# Accuracy of a linear probe on features of the student, of the same backbone at its random start, and of the teacher.
PROBE, RANDOM_PROBE, TEACHER_PROBE = (f"linear_probe_accuracy{suffix}" for suffix in ("", "_random_start", "_teacher"))


@dataclass(frozen=True)
class Distillation:
    """One student before it starts.

    Attributes:
        probed: the splits of a labelled data set, for the linear probe.
        precision: ``fp32``, ``bf16``, or ``auto`` for the faster one.
        cache: folder for the teacher's features.
        start: a student taught before that this one goes on from, of the same backbone or half as wide.
    """

    backbone: str
    data_name: str
    data: DistillationData
    probed: dict[str, FaceDataset]
    recipe: DistillRecipe
    seed: int
    precision: str
    cache: Path
    start: Checkpoint | None = None

    @property
    def config(self) -> CheckpointConfig:
        """The student's checkpoint."""
        return embedding_config(self.backbone, self.recipe.image_size, START_WEIGHTS)

    def new_model(self, image_size: int) -> FaceModel:
        """The student at its random start."""
        seed_everything(self.seed)
        return build_model(self.backbone, self.config.head, self.config.num_outputs, image_size)


def embedding_config(backbone: str, image_size: int, start_weights: str) -> CheckpointConfig:
    """The checkpoint of a backbone whose plain head gives embeddings as wide as the teacher's."""
    return CheckpointConfig(
        task=EMBEDDING,
        backbone=backbone,
        head="plain",
        label_names=(),
        preprocessing=preprocessing_at(image_size),
        test_time_flip=True,
        start_weights=start_weights,
        embedding_size=EMBEDDING_SIZE,
    )


def run(job: Distillation, folder: Path) -> RunRecord:
    """Teach and measure a student; writes the run folder and returns its record."""
    record = begin(job, folder)
    with failure_recorded(record, folder):
        lessons, held_out = prepare_lessons(job.data, job.precision, job.cache)
        planned = plan(job, lessons, record, folder)
        teach(planned, lessons, record, folder)
        finish(planned, held_out, record, folder)
    return record


def begin(job: Distillation, folder: Path) -> RunRecord:
    """Write the record of a run that begins or goes on.

    Raises:
        ConfigError: when the folder holds a run that began with other settings.
    """
    record = started_record(job, folder.name)
    begun = interrupted_record(record, folder, _settings)
    if begun is not None:
        # What was planned and measured at the start stays, so that the run goes on as it began.
        record.run_id, record.recipe, record.environment = begun.run_id, begun.recipe, begun.environment
    store(record, folder)
    return record


def _settings(record: RunRecord) -> dict[str, object]:
    """What must not change when a run is resumed."""
    stored = record.model_dump(mode="json")
    recipe = stored["recipe"]
    if recipe["minutes"] is not None:
        del recipe["epochs"]  # planned from the minutes
    others = {"backbone": stored["model"]["backbone"], "revision": stored["dataset"]["revision"]}
    return {"seed": stored["seed"], **others, **recipe}


def plan(job: Distillation, lessons: Lessons, record: RunRecord, folder: Path) -> Distillation:
    """The job with the precision and the epochs that the record holds, which are measured where it does not."""
    environment, epochs = record.environment, record.recipe["epochs"]
    assert environment is not None
    if environment.precision == "auto" or epochs is None:
        size = job.recipe.first_size
        model = job.new_model(size).to(memory_format=torch.channels_last)
        if environment.precision == "auto":
            environment.precision = fastest_precision(model, size, torch.device("cpu"))
        if epochs is None:
            epochs = planned_epochs(model, lessons, job.recipe, environment.precision)
            record.recipe["epochs"] = epochs
        store(record, folder)
    recipe = dataclasses.replace(job.recipe, epochs=epochs)
    return dataclasses.replace(job, recipe=recipe, precision=environment.precision)


def teach(job: Distillation, lessons: Lessons, record: RunRecord, folder: Path) -> None:
    """Train and store the student; fills in the record's training side."""
    model = job.new_model(job.recipe.first_size)
    if job.recipe.inherits:
        inherit(model.backbone, teacher_model().backbone)
    if job.start is not None:
        go_on_from(job.start, model, job)
    lines = fit_student(model, lessons, job.recipe, job.seed, job.precision, folder)
    seconds, epochs = sum(line["seconds"] for line in lines), lines[-1]["epoch"]
    record.model.num_parameters = record.model.num_trainable = sum(p.numel() for p in model.parameters())
    record.timing = TimingPart(
        seconds_per_epoch=seconds / epochs,
        images_per_second=epochs * lessons.num_images / seconds,
        total_seconds=seconds,
        peak_rss_mb=peak_rss_mb(),
    )
    save_checkpoint(folder / "checkpoint", model, job.config, record, card="")


def go_on_from(start: Checkpoint, model: FaceModel, job: Distillation) -> None:
    """Give a model what an earlier student has learnt."""
    set_image_size(start.model, job.recipe.first_size)
    if start.config.backbone == job.backbone:
        model.load_state_dict(start.model.state_dict())
    else:
        grow(model, start.model)


def finish(job: Distillation, held_out: Lessons, record: RunRecord, folder: Path) -> None:
    """Measure the weights as they are stored, and complete checkpoint and record."""
    checkpoint, precision = load_checkpoint(folder / "checkpoint"), job.precision
    random_start = job.new_model(job.recipe.image_size).eval()
    teacher = embedding_config(TEACHER, TEACHER_SIZE, "packaged")
    record.results = [
        *held_out_results(checkpoint.model, held_out, job.recipe.image_size, precision),
        *linear_probe(checkpoint.model, job.config, job.probed, precision, PROBE),
        *linear_probe(random_start, job.config, job.probed, precision, RANDOM_PROBE),
        *linear_probe(teacher_model(), teacher, job.probed, precision, TEACHER_PROBE),
    ]
    record.status = "finished"
    save_checkpoint(folder / "checkpoint", checkpoint.model, job.config, record, embedding_card(job.config, record))
    store(record, folder)
    forget_state(folder)
    for result in record.results:
        print(f"{result.split}/{result.metric}: {result.value:.4f}", flush=True)


def started_record(job: Distillation, run_id: str) -> RunRecord:
    """The record of a run that has just begun."""
    return RunRecord(
        run_id=run_id,
        kind="measured",
        status="running",
        task=EMBEDDING,
        model=ModelPart(backbone=job.backbone, head=job.config.head, start_weights=START_WEIGHTS),
        strategy=STRATEGY,
        seed=job.seed,
        recipe={**dataclasses.asdict(job.recipe), **TEACHING},
        dataset=DatasetPart(id=job.data_name, revision=job.data.revision, num_images=job.data.num_images),
        environment=current_environment(job.precision, torch.get_num_threads()),
        code=current_code(REPOSITORY),
    )
