"""A trained generator and its discriminator to go on from, and the training that lies behind them."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from anime_models.checkpoints import RECORD, WEIGHTS
from anime_models.dcgan import Discriminator, Generator, GeneratorSpec
from anime_models.errors import ConfigError, RecordError
from anime_models.generator_checkpoint import DISCRIMINATOR, GeneratorCheckpoint, load_generator
from anime_models.hub import loading_from
from anime_models.run_files import RunFiles
from training.generation.data import GanData
from training.generation.networks import specs
from training.generation.recipe import GanRecipe


@dataclass(frozen=True)
class GanStart:
    """Both networks at the start of a training.

    Attributes:
        name: the run that made it, where its record tells; else the name of the folder or Hub repository.
        digest: of the weights of both, ``sha256:…``.
        epochs: the lines of ``metrics.jsonl`` up to these weights, and ``strips`` the pictures of the fixed noise,
            which the new training goes on with; none where they were measured on other faces or by another extractor.
    """

    name: str
    digest: str
    generator: Generator
    discriminator: Discriminator
    epochs: tuple[dict[str, float], ...] = ()
    strips: tuple[Path, ...] = ()

    def copy_strips(self, folder: Path) -> None:
        """Put the pictures of the epochs before into a folder of samples, which may hold them already."""
        folder.mkdir(parents=True, exist_ok=True)
        for strip in self.strips:
            shutil.copyfile(strip, folder / strip.name)


def gan_start(given: str, recipe: GanRecipe, data: GanData, extractor: str) -> GanStart:
    """The networks of a generator's checkpoint folder or Hub repository.

    Raises:
        ConfigError: when they are other networks than the recipe's, which may have more residual blocks.
        HubError, CheckpointError: where there is no complete checkpoint of a generator.
    """
    with loading_from(given) as folder:
        stored = load_generator(folder)
    for found, wanted in zip((stored.generator.spec, stored.discriminator.spec), specs(recipe), strict=True):
        if not _fits(found, wanted):
            raise ConfigError(
                f"{given} holds another network ({found!r}) than the recipe's ({wanted!r}); "
                "start from one of the same kind, or choose the recipe and scale that it had "
                "(with --residual, at least as many residual blocks)."
            )
    digest = hashlib.sha256()
    for name in (WEIGHTS, DISCRIMINATOR):
        digest.update((stored.folder / name).read_bytes())
    place = Path(given).resolve().name if Path(given).exists() else given
    named = place if stored.record is None else stored.record.run_id
    epochs, strips = _history(stored, recipe, data, extractor)
    return GanStart(named, f"sha256:{digest.hexdigest()}", stored.generator, stored.discriminator, epochs, strips)


def _fits(found: object, wanted: object) -> bool:
    if isinstance(found, GeneratorSpec) and isinstance(wanted, GeneratorSpec) and found.residual < wanted.residual:
        return found.model_copy(update={"residual": wanted.residual}) == wanted
    return found == wanted


def _history(
    stored: GeneratorCheckpoint, recipe: GanRecipe, data: GanData, extractor: str
) -> tuple[tuple[dict[str, float], ...], tuple[Path, ...]]:
    """Figures and pictures of the epochs up to the stored weights, where the new ones compare with them."""
    record = stored.record
    if record is None or record.selection is None:
        return (), ()
    measured = record.recipe.get("extractor"), record.recipe.get("num_measured")
    wanted = data.name, data.revision, extractor, recipe.num_measured
    if (record.dataset.id, record.dataset.revision, *measured) != wanted:
        return (), ()
    files, count = RunFiles(stored.folder / RECORD, record), record.selection.best_epoch + 1
    try:
        epochs, strips = files.epochs()[:count], files.samples()[:count]
    except RecordError:  # damaged figures are no reason to leave good weights alone
        return (), ()
    whole = [line.get("epoch") for line in epochs] == list(range(count)) and len(strips) == count > 0
    return (tuple(epochs), strips) if whole and all("seconds" in line for line in epochs) else ((), ())
