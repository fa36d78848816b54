"""How new a generated face is, against the faces that its generator was trained on; none of them is kept or shown."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image

from anime_models.gan_metrics import FeatureExtractor, features, packaged_extractor
from anime_models.generator_checkpoint import NOVELTY
from anime_models.novelty import NoveltyIndex
from anime_models.picture_tensors import to_tensor
from apps.demo.wording import percent

# Nearer to a training face than nearly all real faces that training never saw.
CLOSE = 5.0

extractor_of_all = cache(packaged_extractor)


@dataclass(frozen=True)
class Newness:
    """What a generator's faces are compared with."""

    index: NoveltyIndex
    extractor: FeatureExtractor

    def percentile(self, picture: Image.Image) -> float:
        """Per cent of held-out real faces that are nearer to a training face than this square picture is."""
        seen = features(self.extractor, [to_tensor([picture], picture.width)])
        return self.index.distance(seen).percentile


def load_newness(folder: Path) -> Newness | None:
    """The comparison of a checkpoint; None where it has none, or one by features that do not come with this program.

    Raises:
        CheckpointError: it is damaged.
    """
    path = folder / NOVELTY
    if not path.is_file():
        return None
    index, extractor = NoveltyIndex.load(path), extractor_of_all()
    return Newness(index, extractor) if index.extractor == extractor.name else None


def newness_in_words(percentile: float) -> str:
    """A percentile as a sentence."""
    if percentile < CLOSE:
        share = percent(1 - percentile / 100)
        return f"Close to a training face: {share} of real faces that training never saw are farther from any."
    share = percent(percentile / 100)
    return f"Not a copy: {share} of real faces that training never saw are nearer to a training face than it is."
