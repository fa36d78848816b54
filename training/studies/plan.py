"""Which cells a command asks for, and the start weights of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anime_models.backbones import PACKAGED_BACKBONE
from anime_models.checkpoints import CONFIG
from anime_models.errors import ConfigError, DatasetError
from anime_models.face_datasets import SPLITS
from training.common.start_weights import fetch_imagenet, fitting_start_weights
from training.recipes import at_scale, recipe_named
from training.studies.cells import STUDIES, Cell

FIRST_SEED = 42


def planned_cells(
    study_name: str,
    num_seeds: int,
    scale: str,
    start: str,
    revision: str,
    *,
    backbones: Sequence[str] = (),
    heads: Sequence[str] = (),
    strategies: Sequence[str] = (),
) -> list[Cell]:
    """The cells of a study, all of the first seed first; ``backbones``, ``heads``, ``strategies`` narrow it down.

    Raises:
        ConfigError: for a name that the study does not have, or start weights that are not there or another backbone's.
        HubError, CheckpointError: where ``start`` names neither a folder nor a Hub repository with a checkpoint.
    """
    study = STUDIES[study_name]
    recipes = study.strategies | study.extras
    chosen_heads = _chosen("heads", heads, study.heads, study_name)
    chosen_strategies = _chosen("strategies", strategies or tuple(study.strategies), tuple(recipes), study_name)
    known_backbones = study.backbones + study.extra_backbones
    chosen_backbones = _chosen("backbones", backbones or study.backbones, known_backbones, study_name)
    starts = {name: start_of(start, name) for name in chosen_backbones}
    described = {backbone: fitting_start_weights(value, backbone) for backbone, value in starts.items()}
    return [
        Cell(
            study=study_name,
            task=study.task,
            backbone=backbone,
            head=head,
            recipe=recipes[strategy],
            variant=head if study.compared == "head" else strategy,
            scale=scale,
            seed=seed,
            start=starts[backbone],
            start_name=described[backbone].name,
            start_digest=described[backbone].digest,
            revision=revision,
        )
        for seed in range(FIRST_SEED, FIRST_SEED + num_seeds)
        for head in chosen_heads
        for backbone in starts
        for strategy in chosen_strategies
    ]


def fetch_start_weights(cells: Sequence[Cell]) -> None:
    """Fetch the ImageNet weights that cells begin from, once for all of them.

    Raises:
        HubError: when they cannot be fetched.
    """
    sizes = {c.backbone: at_scale(recipe_named(c.recipe), c.scale).image_size for c in cells if c.start == "imagenet"}
    for backbone, image_size in sizes.items():
        fetch_imagenet(backbone, image_size)


def check_splits(data: Path) -> None:
    """Refuse a dataset folder that lacks a file which every cell reads.

    Raises:
        DatasetError: when it does, names the files.
    """
    missing = [f"{split}.parquet" for split in SPLITS if not (data / f"{split}.parquet").is_file()]
    if missing:
        raise DatasetError(
            f"{data} holds no {', '.join(missing)}; name a folder with train, validation and test.parquet."
        )


def start_of(pattern: str, backbone: str) -> str:
    """The start weights of a backbone.

    A pattern with ``{backbone}`` names a checkpoint folder for each (or with ``hf-hub:`` a Hub repository);
    EfficientNet-Lite0 takes the packaged weights where its folder is missing. Anything else is taken as it is.

    Raises:
        ConfigError: when there is no such folder, or the packaged weights are another backbone's.
    """
    start = pattern.replace("{backbone}", backbone)
    if start == "packaged" and backbone != PACKAGED_BACKBONE:
        raise ConfigError(
            f"There are no packaged weights for {backbone}, only for {PACKAGED_BACKBONE}. Give --start imagenet, "
            "random or a pattern such as runs/start/{backbone}, or narrow it down with --backbones."
        )
    if start == pattern or start.startswith("hf-hub:") or (Path(start) / CONFIG).is_file():
        return start
    if backbone == PACKAGED_BACKBONE:
        return "packaged"
    raise ConfigError(
        f"There is no checkpoint folder {start} for {backbone}. Make one with `python -m training.distill --backbone "
        f"{backbone}` and put it there, or give another --start."
    )


def _chosen(what: str, names: Sequence[str], known: tuple[str, ...], study: str) -> tuple[str, ...]:
    """The names in the study's order, or all of them where none is given."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"--{what}: the study {study} has no {unknown[0]!r}. Choose from: {', '.join(known)}.")
    return tuple(name for name in known if name in names) if names else known
