"""Feature arrays that know their extractor, so that features of two extractors are never compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from anime_models.errors import ConfigError


class Features(np.ndarray):
    """Features ``[N, F]``, float32, that carry the name of their extractor.

    Slices and joined arrays keep the name. Arrays that passed through another library have lost it: name them again
    with ``Features(array, extractor.name)``.

    Attributes:
        extractor: name of the extractor.
    """

    extractor: str

    def __new__(cls, values: np.ndarray, extractor: str) -> Features:
        """Name an array ``[N, F]``.

        Raises:
            ConfigError: when the name is empty, or the array carries another name already.
        """
        if not extractor or getattr(values, "extractor", extractor) not in ("", extractor):
            raise ConfigError(
                f"Features of the extractor {getattr(values, 'extractor', '')!r} cannot be named {extractor!r}; "
                "give the name of the extractor that they come from."
            )
        return _named(np.asarray(values, dtype=np.float32), extractor)

    def __array_finalize__(self, source: Any) -> None:
        self.extractor = getattr(source, "extractor", "")

    def __array_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        extractor = extractor_of(*_features_in([*args, *kwargs.values()]))
        result = super().__array_function__(func, types, args, kwargs)
        return _named(result, extractor) if extractor and type(result) is np.ndarray else result


def _named(values: np.ndarray, extractor: str) -> Features:
    array = values.view(Features)
    array.extractor = extractor
    return array


def _features_in(arguments: Iterable[Any]) -> Iterator[Features]:
    for argument in arguments:
        if isinstance(argument, Features):
            yield argument
        elif isinstance(argument, list | tuple):
            yield from _features_in(argument)


def extractor_of(*sets: np.ndarray) -> str:
    """Name of the one extractor that all sets come from; empty for plain arrays.

    Raises:
        ConfigError: when they come from two, or only some of them are named.
    """
    names = list(dict.fromkeys(getattr(features, "extractor", "") for features in sets))
    if len(names) > 1:
        shown = " and ".join(name or "an unnamed one" for name in names)
        raise ConfigError(
            f"These features come from different extractors ({shown}) and cannot be compared; extract all of them with "
            "one, and name plain arrays with Features(array, extractor.name)."
        )
    return names[0] if names else ""


def check_features(*sets: np.ndarray, least: int = 2) -> None:
    """Check that sets of features can be compared.

    Raises:
        ConfigError: when they come from different extractors, are not ``[N, F]`` with one F, have fewer than ``least``
            rows, or hold NaN or infinities.
    """
    extractor_of(*sets)
    shapes = " and ".join(str(list(features.shape)) for features in sets)
    if any(features.ndim != 2 for features in sets) or len({features.shape[1] for features in sets}) > 1:
        raise ConfigError(f"Features have the shapes {shapes}; give arrays [N, F] of one width F.")
    if min(len(features) for features in sets) < least:
        raise ConfigError(f"Features have the shapes {shapes}; at least {least} pictures are needed in each set.")
    if not all(np.isfinite(features).all() for features in sets):
        raise ConfigError("Features hold NaN or infinities; look at the pictures that they come from.")


def named_extractor(sets: Sequence[np.ndarray]) -> str:
    """Name of the one extractor that all sets come from, which must be said.

    Raises:
        ConfigError: when it is not, or when they come from different ones.
    """
    extractor = extractor_of(*sets)
    if not extractor:
        raise ConfigError("These features do not say their extractor; name them with Features(array, extractor.name).")
    return extractor
