"""A checkpoint folder as a model repository: loaded once to be sure, with a card and results for the Hub."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from anime_models.backbones import BACKBONES
from anime_models.checkpoints import CONFIG, EMBEDDING, MEANS, RECORD, WEIGHTS, load_checkpoint
from anime_models.errors import CheckpointError
from anime_models.faces import FaceDetector
from anime_models.generator_checkpoint import DIRECTIONS, DISCRIMINATOR, EPOCHS, GENERATION, NOVELTY, load_generator
from anime_models.hub import PICKLES
from anime_models.records import RunRecord, read_record
from anime_models.run_files import METRICS, UNCURATED
from training.classification.cards import CLASSIFIER, model_card
from training.common.cards import FOLDER_PLACE, CardPlace, ModelKind
from training.detection.card import DETECTOR, detector_card
from training.distillation.card import EMBEDDING as EMBEDDING_KIND
from training.distillation.card import embedding_card
from training.generation.card import GENERATOR, generator_card
from training.generation.samples import save_uncurated
from training.publishing.eval_results import FOLDER as EVAL_RESULTS
from training.publishing.eval_results import eval_results
from training.publishing.staging import CARD, Stage, copy_into

DETECTION = "detection"
NEEDED = (WEIGHTS, CONFIG, RECORD)
OPTIONAL = (MEANS, DISCRIMINATOR, DIRECTIONS, NOVELTY, METRICS, UNCURATED)
CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class _Model:
    """A loaded checkpoint, as far as its card is concerned."""

    kind: ModelKind
    start_weights: str
    card: Callable[[CardPlace], str]


def stage_model(folder: Path, staged: Path, place: CardPlace) -> Stage:
    """Stage a checkpoint folder, or that of a run folder.

    Raises:
        CheckpointError: it does not load, holds a pickle, or its run is not finished.
        RecordError: its record is damaged.
    """
    checkpoint = folder / CHECKPOINT if (folder / CHECKPOINT / CONFIG).is_file() else folder
    _refuse_pickles(checkpoint)
    task, record = _task(checkpoint), _finished(checkpoint)
    names = [name for name in (*NEEDED, *OPTIONAL) if (checkpoint / name).is_file()]
    names += [f"{EPOCHS}/{path.name}" for path in sorted((checkpoint / EPOCHS).glob("epoch-*.webp"))]
    for name in names:
        copy_into(staged, name, checkpoint / name)
    model = _loaded(staged, task, record)
    place = replace(place, base_model=place.base_model or _base_model(model.start_weights, record))
    (staged / CARD).write_text(model.card(place), "utf-8")
    results = eval_results(model.kind, record, place)
    if results:
        (staged / EVAL_RESULTS).mkdir()
        (staged / EVAL_RESULTS / f"{record.task}.yaml").write_text(results, "utf-8")
    return Stage(
        staged, "model", f"{record.task} {record.model.backbone}, {record.run_id}", _notes(checkpoint, names, place)
    )


def card_of(folder: Path) -> str:
    """The card of a checkpoint folder that stays a folder, from its config and record.

    Raises:
        CheckpointError: it does not load, or its run is not finished.
        RecordError: its record is damaged.
    """
    return _loaded(folder, _task(folder), _finished(folder)).card(FOLDER_PLACE)


def renew_card(folder: Path) -> None:
    """Write the card of a checkpoint folder again; errors as in `card_of`."""
    temporary = folder / "card.tmp"
    temporary.write_text(card_of(folder), "utf-8")
    temporary.replace(folder / CARD)


def _refuse_pickles(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.name.lower().endswith(PICKLES):
            raise CheckpointError(
                f"{path} is a pickle, which can run any code when it is loaded. Take it out of the folder; the weights "
                f"belong into {WEIGHTS}."
            )


def _task(folder: Path) -> str:
    try:
        task = json.loads((folder / CONFIG).read_bytes())["task"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder} holds no {CONFIG} that names a task; name a checkpoint folder or a finished run's folder."
        ) from error
    return str(task)


def _finished(folder: Path) -> RunRecord:
    record = read_record(folder / RECORD)
    if record.status != "finished":
        raise CheckpointError(f"The run of {folder} is {record.status}, not finished; go on with it before publishing.")
    return record


def _loaded(folder: Path, task: str, record: RunRecord) -> _Model:
    """Load a folder strictly, which is what whoever fetches it will do; a generator's lacks no samples afterwards."""
    if task == GENERATION:
        generator = load_generator(folder)
        if not (folder / UNCURATED).is_file():
            save_uncurated(generator.generator, folder / UNCURATED)
        return _Model(
            GENERATOR,
            generator.config.start_weights,
            lambda place: generator_card(generator.config, record, UNCURATED, place),
        )
    if task == DETECTION:
        detector = FaceDetector.load(folder)
        weights = record.model.start_weights or ""
        return _Model(DETECTOR, weights, lambda place: detector_card(detector.config, record, place))
    config = load_checkpoint(folder).config
    if task == EMBEDDING:
        return _Model(EMBEDDING_KIND, config.start_weights, lambda place: embedding_card(config, record, place))
    return _Model(CLASSIFIER, config.start_weights, lambda place: model_card(config, record, place))


def _base_model(start_weights: str, record: RunRecord) -> str | None:
    """The Hub's repository of the start weights, where these are timm's."""
    spec = BACKBONES.get(record.model.backbone)
    return f"timm/{spec.timm_name}.{spec.pretrained_tag}" if spec and start_weights == "imagenet" else None


def _notes(folder: Path, staged: list[str], place: CardPlace) -> tuple[str, ...]:
    notes = []
    known = {*staged, CARD}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in known and not name.startswith(EVAL_RESULTS):
            notes.append(f"{name} is no part of a checkpoint and stays here")
    if place.dataset is None:
        notes.append("the card names no data set of the Hub; --dataset owner/name does where the data is there")
    if place.base_model is None:
        notes.append(
            "the card names no base model; --base-model owner/name does where the start weights are on the Hub"
        )
    return tuple(notes)
