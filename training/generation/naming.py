"""Which candidate directions are kept, and what each is called: the measure that it changes most and most purely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from anime_models.generator_checkpoint import DirectionInfo
from training.generation.directions import Candidate, too_alike
from training.generation.probing import Probe

LEAST_EFFECT = 0.5  # standard deviations from one end to the other; what changes less has no name
LEAST_OF_LARGEST = 0.5  # of a direction's largest effect; what changes less of the picture than that gives no name


@dataclass(frozen=True)
class Measured:
    """A candidate, the step that it allows, and what it changes from end to end."""

    candidate: Candidate
    strength: float
    effects: dict[str, float]


@dataclass(frozen=True)
class Named:
    """A measured candidate and the measure that it is named after."""

    measured: Measured
    name: str

    @property
    def effect(self) -> float:
        """Change of the measure that gave the name."""
        return self.measured.effects[self.name]

    @property
    def deserved(self) -> bool:
        """Whether the measure responds, and not much less than another one does."""
        largest = max(abs(effect) for effect in self.measured.effects.values())
        return abs(self.effect) >= max(LEAST_EFFECT, LEAST_OF_LARGEST * largest)


def choose(measured: Sequence[Measured], most: int) -> list[Named]:
    """At most ``most`` directions, each with a name of its own and none too like another, the clearest first.

    A pair of direction and measure is the clearer, the larger the effect and its share in all that the direction
    changes.
    """
    pairs = [Named(each, name) for each in measured for name in each.effects]
    kept: list[Named] = []
    for pair in sorted((pair for pair in pairs if pair.deserved), key=clearness, reverse=True):
        vector = pair.measured.candidate.vector
        fits = all(pair.name != other.name and not too_alike(vector, other.measured.candidate.vector) for other in kept)
        if fits and len(kept) < most:
            kept.append(pair)
    return kept


def clearness(named: Named) -> float:
    """Effect on the measure times its share in the squared effects on all of them."""
    squares = sum(effect**2 for effect in named.measured.effects.values())
    return abs(named.effect) ** 3 / squares


def confirmed(chosen: Sequence[Named], probe: Probe) -> list[Named]:
    """Those whose effect shows again, in the same sense, on the faces of another probe, with its figures."""
    again = [
        Named(Measured(each.measured.candidate, each.measured.strength, effects), each.name)
        for each in chosen
        for effects in [probe.effects(each.measured.candidate.vector, each.measured.strength)]
    ]
    pairs = zip(chosen, again, strict=True)
    return [new for old, new in pairs if new.deserved and new.effect * old.effect > 0]


def oriented(named: Named) -> tuple[torch.Tensor, DirectionInfo]:
    """The unit vector ``[L]``, turned so that + is more of what its name says, and what is known of it."""
    sign = 1.0 if named.effect > 0 else -1.0
    measured = named.measured
    info = DirectionInfo(
        name=named.name,
        method=measured.candidate.method,
        strength=measured.strength,
        effects={name: round(sign * effect, 3) for name, effect in measured.effects.items()},
    )
    return torch.from_numpy(sign * measured.candidate.vector), info
