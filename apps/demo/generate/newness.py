"""How new a generated face is, against the faces that its generator was trained on; none of them is kept or shown."""

from dataclasses import dataclass
from functools import cache

from PIL import Image

from anime_models.errors import CheckpointError
from anime_models.gan_metrics import FeatureExtractor, features, packaged_extractor
from anime_models.generator import FaceGenerator
from anime_models.generator_checkpoint import NOVELTY
from anime_models.novelty import Novelty, NoveltyIndex
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

    def of(self, picture: Image.Image) -> Novelty:
        """How far a square picture is from the nearest training face, and how far real faces are."""
        return self.index.distance(features(self.extractor, [to_tensor([picture], picture.width)]))


def load_newness(generator: FaceGenerator) -> Newness | None:
    """The comparison of a checkpoint; None where it has none, or one by features that do not come with this program.

    Raises:
        CheckpointError: it is damaged; the message names the generator, not where a copy from the Hub lies.
    """
    path = generator.folder / NOVELTY
    if not path.is_file():
        return None
    try:
        index = NoveltyIndex.load(path)
    except CheckpointError as error:
        raise CheckpointError(str(error).replace(str(generator.folder), generator.name)) from error
    extractor = extractor_of_all()
    return Newness(index, extractor) if index.extractor == extractor.name else None


def newness_in_words(novelty: Novelty) -> str:
    """The distance to the nearest training face, and what it means, in two sentences."""
    if novelty.percentile < CLOSE:
        share = percent(1 - novelty.percentile / 100)
        meaning = f"Close to a training face: {share} of real faces that training never saw are farther from any."
    else:
        share = percent(novelty.percentile / 100)
        meaning = f"Not a copy: {share} of real faces that training never saw are nearer to a training face than it is."
    return f"{meaning} Its distance to the nearest one is {novelty.distance:.2f}."
