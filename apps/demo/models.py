"""Loaded models, kept for the next visitor: shared, read-only, and no more than a few at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from anime_models.classifier import Classifier
from anime_models.errors import CheckpointError
from anime_models.faces import FaceDetector
from anime_models.hub import is_public
from anime_models.reader import FaceReader
from apps.demo.shelf import Shelf
from apps.demo.wording import Task

BUILT_IN = "built-in"
MAX_MODELS = 4
EMBEDDED_NAMES: dict[Task, str] = {"character": "characters", "emotion": "emotions"}

Loader = Callable[[Task, str], Classifier]


@dataclass(frozen=True)
class ModelChoice:
    """Where one visitor's two models come from: `BUILT_IN`, a checkpoint folder or a Hub id."""

    character: str = BUILT_IN
    emotion: str = BUILT_IN

    def source(self, task: Task) -> str:
        """The choice for one task."""
        return self.character if task == "character" else self.emotion

    def changed(self, task: Task, source: str) -> "ModelChoice":
        """The same with another model for one task."""
        return replace(self, character=source) if task == "character" else replace(self, emotion=source)


def known_sources() -> str:
    """Where a visitor may take a model from, in words."""
    folder = "" if is_public() else " a checkpoint folder,"
    return f"{BUILT_IN},{folder} or owner/name on the Hugging Face Hub"


def load_classifier(task: Task, source: str) -> Classifier:
    """Load the model that a source names."""
    return Classifier.embedded(EMBEDDED_NAMES[task]) if source == BUILT_IN else Classifier.load(source)


class ModelShelf:
    """Loads each model once and shares it; of those that visitors chose, the longest unused gives way.

    Attributes:
        detector: finds the faces, for everybody.
    """

    def __init__(self, detector: FaceDetector, load: Loader = load_classifier, max_models: int = MAX_MODELS) -> None:
        self.detector = detector
        self._load = load
        self._models: Shelf[tuple[Task, str], Classifier] = Shelf(self._loaded, _is_built_in, max_models)

    def classifier(self, task: Task, source: str) -> Classifier:
        """The model for a task.

        Args:
            task: what it has to answer.
            source: `BUILT_IN`, a checkpoint folder or a Hub id; blanks around it do not count, none at all is built-in.

        Raises:
            AnimeModelsError: there is no such model, it does not load, or it answers something else.
        """
        return self._models.get((task, source.strip() or BUILT_IN))

    def reader(self, choice: ModelChoice) -> FaceReader:
        """The detector and the chosen models, ready to read pictures."""
        character = self.classifier("character", choice.character)
        return FaceReader(self.detector, character, self.classifier("emotion", choice.emotion))

    def _loaded(self, key: tuple[Task, str]) -> Classifier:
        task, source = key
        model = self._load(task, source)
        if model.task != task:
            raise CheckpointError(f"{source} answers {model.task}, not {task}. Choose it in the other field.")
        return model


def _is_built_in(key: tuple[Task, str]) -> bool:
    return key[1] == BUILT_IN
