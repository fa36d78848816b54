"""A point of the latent space as the sliders say it, and its compact text for links.

The text is made of characters that stand in a URL as they are, such as ``1.g3fa9c1d2.s42.t700.c2000.d0_500_-1000``:
version, generator, seed (or ``z`` and a latent in half precision, base64url), truncation, clip and the amounts of all
directions in their order, the last four in thousandths.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from anime_models.arguments import real_number
from anime_models.errors import ConfigError
from anime_models.latents import (
    LARGEST_COMPONENT,
    LARGEST_TRUNCATION,
    checked_latent,
    checked_seed,
    seed_latent,
)

VERSION = "1"
MAX_LENGTH = 4096  # characters; the text of 1024 numbers, the largest latent, takes 2800
_DIGITS = 3  # decimals that are kept
_PATTERN = re.compile(
    r"g(?P<generator>[0-9a-f]{8})"
    r"\.(?:s(?P<seed>\d{1,10})|z(?P<latent>[A-Za-z0-9_-]+))"
    r"\.t(?P<truncation>\d{1,4})"
    r"(?:\.c(?P<clip>\d{1,6}))?"
    r"(?:\.d(?P<amounts>-?\d{1,4}(?:_-?\d{1,4})*))?",
    re.ASCII,
)


@dataclass(frozen=True)
class FacePoint:
    """A seed or a latent, and what is done to it. Numbers are kept as exactly as a permalink tells them.

    Attributes:
        seed: 0 to 4294967295; None when ``latent`` is given.
        latent: ``latent_size`` numbers in half precision, as a projection or a neighbour has them; None with a seed.
        truncation: 0 to 1.5, see :func:`anime_models.latents.truncate`; three decimals.
        clip: standard deviations above 0 up to 100, or None; three decimals.
        directions: amount in [-1, 1] by name of a direction, three decimals; one that is not named is 0.

    Raises:
        ConfigError: for numbers outside these ranges, or both or neither of seed and latent.
    """

    seed: int | None = None
    latent: tuple[float, ...] | None = None
    truncation: float = 1.0
    clip: float | None = None
    directions: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.seed is None) == (self.latent is None):
            raise ConfigError("A face is said by a seed or by a latent: give one of them.")
        if self.seed is not None:
            self._set("seed", checked_seed(self.seed))
        if self.latent is not None:
            halved = checked_latent(self.latent).astype(np.float16)
            self._set("latent", tuple(float(number) for number in halved))
        self._set("truncation", _kept("truncation", self.truncation, 0, LARGEST_TRUNCATION))
        if self.clip is not None:
            self._set("clip", _kept("clip", self.clip, 10**-_DIGITS, LARGEST_COMPONENT))
        amounts = {name: _kept(f"amount of '{name}'", value, -1, 1) for name, value in self.directions.items()}
        self._set("directions", {name: value for name, value in amounts.items() if value})

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def start(self, latent_size: int) -> np.ndarray:
        """The latent ``[latent_size]`` before truncation and directions."""
        if self.seed is not None:
            return seed_latent(self.seed, latent_size)
        return checked_latent(self.latent or (), latent_size)


def to_text(point: FacePoint, generator: str, direction_names: Sequence[str]) -> str:
    """The permalink of a point.

    Args:
        point: what to write.
        generator: eight hexadecimal digits that tell the generator and its directions from others.
        direction_names: all directions of the generator, in their order.

    Raises:
        ConfigError: when the point names a direction that the generator does not have.
    """
    check_names(point.directions, direction_names)
    start = f"s{point.seed}" if point.latent is None else f"z{_latent_text(point.latent)}"
    parts = [VERSION, f"g{generator}", start, f"t{_thousandths(point.truncation)}"]
    if point.clip is not None:
        parts.append(f"c{_thousandths(point.clip)}")
    if point.directions:
        parts.append("d" + "_".join(str(_thousandths(point.directions.get(name, 0))) for name in direction_names))
    return ".".join(parts)


def from_text(text: str, generator: str, direction_names: Sequence[str], latent_size: int) -> FacePoint:
    """The point of a permalink; the arguments are those of `to_text`.

    Raises:
        ConfigError: when the text is too long, of another version, of another generator or not as `to_text` writes it.
    """
    if len(text) > MAX_LENGTH:
        raise ConfigError(f"The link is longer than {MAX_LENGTH} characters; no face has such a link.")
    version, _, rest = text.partition(".")
    if version != VERSION:
        raise ConfigError("The link is not of this version of the program; make it again, or copy it whole.")
    match = _PATTERN.fullmatch(rest)
    if match is None:
        raise ConfigError("The link is damaged; copy it again, as a whole.")
    if match["generator"] != generator:
        raise ConfigError(
            f"The link was made with another generator, or with other directions of this one ({match['generator']}; "
            f"this is {generator}), which show other faces for the same numbers. Load that generator."
        )
    return FacePoint(
        seed=None if match["seed"] is None else int(match["seed"]),
        latent=None if match["latent"] is None else _latent_of(match["latent"], latent_size),
        truncation=int(match["truncation"]) / 10**_DIGITS,
        clip=None if match["clip"] is None else int(match["clip"]) / 10**_DIGITS,
        directions=_amounts(match["amounts"], direction_names),
    )


def check_names(names: Mapping[str, float], direction_names: Sequence[str]) -> None:
    """Raise a ``ConfigError`` for a direction that is not one of these."""
    unknown = sorted(set(names) - set(direction_names))
    if unknown:
        known = ", ".join(direction_names) or "none at all"
        raise ConfigError(f"There is no direction '{unknown[0]}'; this generator has: {known}.")


def _kept(name: str, value: object, low: float, high: float) -> float:
    return round(real_number(name, value, low, high), _DIGITS)


def _thousandths(value: float) -> int:
    return round(value * 10**_DIGITS)


def _amounts(text: str | None, direction_names: Sequence[str]) -> dict[str, float]:
    if text is None:
        return {}
    numbers = text.split("_")
    if len(numbers) != len(direction_names):
        raise ConfigError(
            f"The link has {len(numbers)} directions and this generator {len(direction_names)}; copy the link again."
        )
    return {name: int(number) / 10**_DIGITS for name, number in zip(direction_names, numbers, strict=True)}


def _latent_text(latent: ArrayLike) -> str:
    data = np.asarray(latent, dtype="<f2").tobytes()
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _latent_of(text: str, latent_size: int) -> tuple[float, ...]:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ConfigError("The link's latent is damaged; copy the link again, as a whole.") from error
    if len(data) != 2 * latent_size:
        raise ConfigError("The link's latent is cut off or too long; copy the link again, as a whole.")
    return tuple(float(number) for number in np.frombuffer(data, dtype="<f2"))
