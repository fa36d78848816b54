"""How new a face is: its distance to the nearest training face, ranked among held-out faces. No pictures are kept.

Training faces are kept as principal components of their features, a byte each: 64 bytes a face.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from anime_models._gan.feature_arrays import check_features, extractor_of, named_extractor
from anime_models._gan.neighbours import nearest
from anime_models.errors import CheckpointError, ConfigError

__all__ = ["Novelty", "NoveltyIndex"]

FORMAT_VERSION = "1"
# Key: type, and a letter for each dimension: Train and Held-out faces, Features, principal Components.
LAYOUT = {
    "mean": ("float32", "F"),
    "components": ("float16", "CF"),
    "lowest": ("float32", "C"),
    "step": ("float32", "C"),
    "train": ("uint8", "TC"),
    "held_out": ("float32", "H"),
}


@dataclass(frozen=True)
class Novelty:
    """How new one face is.

    Attributes:
        distance: to the nearest training face, in units of the features.
        percentile: per cent of held-out real faces that are nearer to a training face, in [0, 100]. A copy of a
            training face has about 0, a real face that was not trained on 50 on average.
    """

    distance: float
    percentile: float


@dataclass(frozen=True, eq=False)
class NoveltyIndex:
    """Training faces by their features, to measure the distance of others to them.

    Attributes:
        extractor: name of the extractor that the features come from, and that those asked about must come from.
        mean: mean training features ``[F]``.
        components: principal directions ``[C, F]``, unit length, that with the largest variance first.
        lowest, step: what the byte 0 stands for and how far apart bytes are, in each component, ``[C]``.
        train: training faces, uint8 ``[T, C]``.
        held_out: distances of held-out faces to their nearest training faces, ``[H]``.
    """

    extractor: str
    mean: np.ndarray
    components: np.ndarray
    lowest: np.ndarray
    step: np.ndarray
    train: np.ndarray
    held_out: np.ndarray

    @classmethod
    def build(cls, train: np.ndarray, held_out: np.ndarray, *, dims: int = 64) -> NoveltyIndex:
        """Make an index.

        Args:
            train: features ``[T, F]`` of the training faces, T >= 2.
            held_out: features ``[H, F]`` of real faces that were not trained on, H >= 2.
            dims: principal components to keep, at most; there are no more than F and T - 1.

        Raises:
            ConfigError: when the features cannot be compared or do not say their extractor, or ``dims`` is below 1.
        """
        extractor = named_extractor([train, held_out])
        check_features(train, held_out)
        if dims < 1:
            raise ConfigError(f"dims is {dims}; keep at least 1 component.")
        mean = np.asarray(train).mean(axis=0, dtype=np.float64).astype(np.float32)
        centred = np.asarray(train, dtype=np.float32) - mean
        # eigh orders the variances upwards.
        directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))[1].T[::-1]
        components = directions[: min(dims, len(train) - 1)].astype(np.float16)
        projected = centred @ components.T.astype(np.float32)
        lowest = projected.min(axis=0)
        step = np.maximum((projected.max(axis=0) - lowest) / 255, np.finfo(np.float32).tiny)
        rows = np.rint((projected - lowest) / step).astype(np.uint8)
        index = cls(extractor, mean, components, lowest, step, rows, np.empty(0, np.float32))
        return cls(extractor, mean, components, lowest, step, rows, index._to_nearest(held_out))

    def distance(self, features: np.ndarray) -> Novelty:
        """Novelty of one face from its features ``[F]`` or ``[1, F]``.

        Raises:
            ConfigError: when the features are of another extractor, width or number of faces.
        """
        if features.size != len(self.mean):
            raise ConfigError(
                f"Features have the shape {list(features.shape)}; give those of one picture, [{len(self.mean)}]."
            )
        return self.distances(features.reshape(1, -1))[0]

    def distances(self, features: np.ndarray) -> list[Novelty]:
        """Novelty of each face from features ``[N, F]``.

        Raises:
            ConfigError: when the features are of another extractor or width.
        """
        found = extractor_of(features)
        if found != self.extractor:
            raise ConfigError(
                f"The index holds features of {self.extractor}, these are of {found or 'an unnamed extractor'}; "
                f"extract them with {self.extractor}."
            )
        return [
            Novelty(float(distance), 100 * float((self.held_out < distance).mean()))
            for distance in self._to_nearest(features)
        ]

    def _to_nearest(self, features: np.ndarray) -> np.ndarray:
        """Distances ``[N]`` of features ``[N, F]`` to the nearest training faces, within the components."""
        rows = np.asarray(features, dtype=np.float32)
        check_features(rows, self.mean[None], least=1)
        return nearest(self._points, (rows - self.mean) @ self._directions.T)[0]

    @cached_property
    def _directions(self) -> np.ndarray:
        return self.components.astype(np.float32)

    @cached_property
    def _points(self) -> np.ndarray:
        """Training faces in the components, float32 ``[T, C]``."""
        return self.train * self.step + self.lowest

    def save(self, path: str | Path) -> None:
        """Write a safetensors file; a kill leaves the old file or the new one."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        tensors = {key: np.ascontiguousarray(getattr(self, key)) for key in LAYOUT}
        save_file(tensors, temporary, metadata={"format_version": FORMAT_VERSION, "extractor": self.extractor})
        temporary.chmod(0o644)  # safetensors makes files that only their owner can read
        temporary.replace(path)

    @classmethod
    def load(cls, path: str | Path) -> NoveltyIndex:
        """Read an index strictly.

        Raises:
            CheckpointError: when the file is missing or damaged, or a key is missing, unexpected or does not fit; it
                names file and key.
        """
        path = Path(path)
        if not path.is_file():
            raise CheckpointError(f"{path} does not exist; name a generator's folder that has it.")
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                keys = file.keys()
                tensors = {key: file.get_tensor(key) for key in keys}
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path} is damaged ({error}); fetch the checkpoint again.") from error
        problem = _metadata_problem(metadata) or _tensor_problem(tensors)
        if problem:
            raise CheckpointError(f"{path}: {problem}. Fetch the checkpoint again, or build the index again.")
        return cls(metadata["extractor"], **tensors)


def _metadata_problem(metadata: dict[str, str]) -> str | None:
    if metadata.get("format_version") != FORMAT_VERSION:
        return f"the key format_version is {metadata.get('format_version')!r} instead of {FORMAT_VERSION!r}"
    return None if metadata.get("extractor") else "the key extractor is missing"


def _tensor_problem(tensors: dict[str, np.ndarray]) -> str | None:
    """What does not fit the layout, or None."""
    for key in sorted(LAYOUT.keys() ^ tensors.keys()):
        return f"the key {key} is {'missing' if key in LAYOUT else 'unexpected'}"
    lengths: dict[str, int] = {}
    for key, (dtype, letters) in LAYOUT.items():
        array = tensors[key]
        fits = len(letters) == array.ndim and all(
            length > 0 and lengths.setdefault(letter, length) == length
            for letter, length in zip(letters, array.shape, strict=True)
        )
        if str(array.dtype) != dtype or not fits:
            return f"the key {key} does not fit the others: {array.dtype} {list(array.shape)}"
        if not np.isfinite(array).all():
            return f"the key {key} holds NaN or infinities"
    return None
