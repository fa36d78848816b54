"""Loaded generators with what goes with them, shared by all visitors."""

from dataclasses import dataclass

from anime_models.errors import CheckpointError
from anime_models.generator import EMBEDDED, FaceGenerator
from anime_models.hub import is_public
from apps.demo.generate.newness import Newness, load_newness
from apps.demo.models import BUILT_IN, MAX_MODELS
from apps.demo.shelf import Shelf

MAX_DIRECTIONS = 12


@dataclass(frozen=True)
class Laboratory:
    """A generator and what its faces are compared with (None: its checkpoint has nothing to compare with)."""

    generator: FaceGenerator
    newness: Newness | None

    @property
    def direction_names(self) -> list[str]:
        """The directions that have a slider; a page has room for so many."""
        return [direction.name for direction in self.generator.directions[:MAX_DIRECTIONS]]


def no_generator() -> str:
    """That none is built in, and what to do: a visitor of a public page has no folders there."""
    if is_public():
        return "No face generator is built in. Name one on the Hugging Face Hub as owner/name."
    return (
        'No face generator is built in. Train one with "python -m training.train_gan --data DATASET", then name the '
        "checkpoint folder that it leaves; or name a generator on the Hugging Face Hub as owner/name."
    )


class GeneratorShelf:
    """Loads each generator once.

    Args:
        built_in: checkpoint folder or Hub id of the generator that the page begins with; None is the embedded one.
    """

    def __init__(self, built_in: str | None = None) -> None:
        self._built_in = built_in
        self._laboratories: Shelf[str, Laboratory] = Shelf(self._load, lambda source: source == BUILT_IN, MAX_MODELS)

    def get(self, source: str) -> Laboratory:
        """The generator that a source names.

        Args:
            source: `BUILT_IN`, a checkpoint folder or a Hub id; blanks around it do not count, none at all is built-in.

        Raises:
            AnimeModelsError: there is no such generator, or it does not load.
        """
        return self._laboratories.get(source.strip() or BUILT_IN)

    def first(self) -> Laboratory | None:
        """The generator that the page begins with, or None where none is built in.

        Raises:
            AnimeModelsError: one was named or is built in, and does not load.
        """
        if self._built_in is None and not EMBEDDED.is_dir():
            return None
        return self.get(BUILT_IN)

    def _load(self, source: str) -> Laboratory:
        if source != BUILT_IN:
            generator = FaceGenerator.load(source)
        elif self._built_in is None and not EMBEDDED.is_dir():
            raise CheckpointError(no_generator())
        else:
            generator = FaceGenerator.load(self._built_in)
        return Laboratory(generator, load_newness(generator))
