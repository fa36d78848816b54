"""One run of a generator's training: a folder with its record, from the first epoch to the measured checkpoint."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from anime_models.dcgan import Discriminator, Generator
from anime_models.epoch_pictures import epoch_pictures
from anime_models.errors import ConfigError
from anime_models.gan_metrics import FeatureExtractor
from anime_models.generator_checkpoint import (
    EPOCHS,
    GENERATION,
    NOVELTY,
    GeneratorConfig,
    load_generator,
    save_generator,
)
from anime_models.records import (
    DatasetPart,
    ModelPart,
    RunRecord,
    SelectionPart,
    TimingPart,
    current_code,
    current_environment,
    peak_rss_mb,
)
from anime_models.run_files import METRICS, SAMPLES, UNCURATED
from training.common.locks import Lock, holder
from training.common.run_folders import REPOSITORY, failure_recorded, interrupted_record, store
from training.common.run_state import forget_state
from training.generation.card import generator_card
from training.generation.data import GanData
from training.generation.final import final_results
from training.generation.loop import FID, FittedGan, fit_gan, gan_precision, num_batches, reason_to_stop
from training.generation.measure import FIXED_NOISE_SEED, EpochMeasure
from training.generation.recipe import GanRecipe, with_defaults
from training.generation.samples import save_uncurated
from training.generation.selection import num_typical, typical_data
from training.generation.start import GanStart

FAMILY, STUDY = "dcgan", "generation"
LOCK = "lock"  # in a run folder: held by the process that trains


@dataclass(frozen=True)
class GanJob:
    """One run before it starts; with ``stop_now`` an interrupted one, to be ended with the epochs that it has."""

    data: GanData
    recipe: GanRecipe
    seed: int
    precision: str
    extractor: FeatureExtractor
    start: GanStart | None = None
    stop_now: bool = False

    @property
    def num_epochs_before(self) -> int:
        """Epochs that the start was trained for, as far as this run goes on with them."""
        return 0 if self.start is None else len(self.start.epochs)

    @property
    def num_seen(self) -> int:
        """Pictures that training sees: the most typical share of all."""
        return num_typical(len(self.data.train), self.recipe.typical_share)


def run(job: GanJob, folder: Path) -> RunRecord:
    """Train and measure a generator; writes the run folder and returns its record.

    Raises:
        ConfigError: when another process is at it, or it began with other settings.
    """
    with _alone(folder):
        return _run(job, folder)


def _run(job: GanJob, folder: Path) -> RunRecord:
    record = begin(job, folder)
    with failure_recorded(record, folder):
        num_batches(job.num_seen, job.recipe)  # too few pictures are told before anything is computed of them
        environment = record.environment
        assert environment is not None
        if environment.precision == "auto":
            environment.precision = gan_precision(job.recipe)
            store(record, folder)
        num_epochs = job.num_epochs_before + job.recipe.epochs
        measure = EpochMeasure(job.data, job.recipe, job.extractor, folder / SAMPLES, num_epochs)
        if job.start is not None:
            job.start.copy_strips(folder / SAMPLES)
        share = 1.0 if job.stop_now else job.recipe.typical_share  # nothing is seen any more
        seen = typical_data(job.data, share, job.extractor)
        fitted = fit_gan(
            seen,
            measure,
            job.recipe,
            job.seed,
            environment.precision,
            folder,
            start=job.start,
            stop_now=job.stop_now,
        )
        finish(job, fitted, record, folder)
    return record


def begin(job: GanJob, folder: Path) -> RunRecord:
    """Write the record of a run that begins or goes on.

    Raises:
        ConfigError: when the folder holds a run that began with other settings.
    """
    record = started_record(job, folder.name)
    begun = interrupted_record(record, folder, settings)
    if begun is not None:
        _check_machine(record, begun)
        record.run_id, record.environment = begun.run_id, begun.environment
    store(record, folder)
    return record


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Work in a run folder while no other process does; what ends well leaves no lock file behind."""
    path = folder / LOCK
    lock = Lock.take(path)
    if lock is None:
        raise ConfigError(f"{folder} is being trained by {holder(path)}; wait until it has ended.")
    try:
        yield
        path.unlink()  # who opened it before finds a finished run
    finally:
        lock.release()


def _check_machine(record: RunRecord, begun: RunRecord) -> None:
    """Refuse to go on in another precision or with other threads, which the record and its seconds would hide."""
    now, before = record.environment, begun.environment
    assert now is not None
    if before is None:
        return
    if now.threads != before.threads:
        raise ConfigError(
            f"The run began with {before.threads} threads, not {now.threads}; add --threads {before.threads}."
        )
    if now.precision not in ("auto", before.precision) and before.precision != "auto":
        raise ConfigError(f"The run began in {before.precision}; leave --precision out, or give this one.")


def started_record(job: GanJob, run_id: str) -> RunRecord:
    """The record of a run that has just begun."""
    num_images = {"train": len(job.data.train), "validation": len(job.data.held_out)}
    return RunRecord(
        run_id=run_id,
        kind="measured",
        status="running",
        task=GENERATION,
        study=STUDY,
        model=ModelPart(
            backbone=FAMILY,
            start_weights="random" if job.start is None else job.start.name,
            start_digest=None if job.start is None else job.start.digest,
        ),
        strategy=job.recipe.name,
        seed=job.seed,
        recipe={
            **dataclasses.asdict(job.recipe),
            "extractor": job.extractor.name,
            "epochs_before": job.num_epochs_before,
        },
        dataset=DatasetPart(id=job.data.name, revision=job.data.revision, num_images=num_images),
        environment=current_environment(job.precision, torch.get_num_threads()),
        code=current_code(REPOSITORY),
    )


def settings(record: RunRecord) -> dict[str, object]:
    """What must not change when a run is resumed; epochs may be added where no schedule depends on their number."""
    stored = record.model_dump(mode="json")
    recipe = {"epochs_before": 0, **with_defaults(stored["recipe"])}
    fixed = {name: value for name, value in recipe.items() if name != "epochs" or recipe["decay_share"]}
    start = stored["model"]["start_digest"]
    return {"strategy": stored["strategy"], "seed": stored["seed"], "start": start, **stored["dataset"], **fixed}


def finish(job: GanJob, fitted: FittedGan, record: RunRecord, folder: Path) -> None:
    """Measure the networks as they are stored, and complete checkpoint and record."""
    checkpoint = folder / "checkpoint"
    config = GeneratorConfig(
        generator=fitted.generator.spec,
        discriminator=fitted.discriminator.spec,
        fixed_noise_seed=FIXED_NOISE_SEED,
        start_weights=record.model.start_weights or "random",
    )
    save_generator(checkpoint, fitted.generator, fitted.discriminator, config, record, card="")
    stored = load_generator(checkpoint)  # what is measured is what is stored
    complete_record(job, record, fitted, stored.generator, stored.discriminator)
    record.results = final_results(
        stored.generator, job.data, job.extractor, job.recipe.num_measured, checkpoint / NOVELTY
    )
    _copy_samples(stored.generator, folder, checkpoint, len(fitted.epochs))
    record.status = "finished"
    save_generator(
        checkpoint, stored.generator, stored.discriminator, config, record, generator_card(config, record, UNCURATED)
    )
    store(record, folder)
    forget_state(folder)
    for result in record.results:
        print(f"{result.split}/{result.metric}: {result.value:.4f}", flush=True)


def complete_record(
    job: GanJob, record: RunRecord, fitted: FittedGan, generator: Generator, discriminator: Discriminator
) -> None:
    """Fill in what training itself tells: sizes of both networks together, the kept epoch, times.

    The epochs run and their seconds in all are with those of the start; the speed is this run's own.
    """
    sizes = [sum(p.numel() for p in network.parameters()) for network in (generator, discriminator)]
    record.model.num_parameters = record.model.num_trainable = sum(sizes)
    record.selection = SelectionPart(metric=FID, best_epoch=fitted.best_epoch)
    own = fitted.epochs[job.num_epochs_before :]
    own_seconds = sum(line["seconds"] for line in own)
    stopped = None
    if len(own) < job.recipe.epochs:
        by_itself = reason_to_stop(own, job.recipe, started=job.start is not None)
        stopped = by_itself or f"Stopped by hand after {len(own)} epochs."
    images_per_epoch = num_batches(job.num_seen, job.recipe) * job.recipe.batch_size
    record.timing = TimingPart(
        epochs_run=len(fitted.epochs),
        stop_reason=stopped,
        seconds_per_epoch=own_seconds / len(own),
        total_seconds=sum(line["seconds"] for line in fitted.epochs),
        images_per_second=images_per_epoch * len(own) / own_seconds,
        peak_rss_mb=peak_rss_mb(),
    )


def _copy_samples(generator: Generator, folder: Path, checkpoint: Path, num_epochs: int) -> None:
    """The fixed noise and the figures after each epoch, and a grid that nobody has picked from."""
    (checkpoint / EPOCHS).mkdir(exist_ok=True)
    for strip in epoch_pictures(folder / SAMPLES)[:num_epochs]:  # one more, where a kill came before its figures
        shutil.copy(strip, checkpoint / EPOCHS / strip.name)
    shutil.copy(folder / METRICS, checkpoint / METRICS)
    save_uncurated(generator, checkpoint / UNCURATED)
