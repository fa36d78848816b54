"""Find named directions in the latent space of a generator and store them with it.

    python -m training.find_directions --generator runs/ours/checkpoint --strips /tmp/directions

Candidates are the eigenvectors of SeFa and the principal components of the first feature maps. Each moves random faces
both ways, as far as the discriminator stays content; what changes is measured by colours and shapes and by the embedded
emotion classifier. A direction is named after the measure that it changes most and most purely, and is kept when other
faces confirm it. What changes no measure by half a standard deviation is left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from anime_models.classifier import Classifier
from anime_models.errors import CheckpointError
from anime_models.generator_checkpoint import GeneratorCheckpoint, load_generator, save_directions
from training.common.commands import exit_status
from training.common.flags import check_folder, positive_int, seed
from training.generation.directions import candidates
from training.generation.naming import Measured, Named, choose, confirmed, oriented
from training.generation.probing import Probe
from training.generation.strips import save_strips
from training.publishing.model_stage import renew_card

MOST = 12
STRENGTH_FACES = 32  # random faces whose logits say how far a direction may go


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    return exit_status(lambda: find_and_save(options))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Flags of the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.find_directions", description=__doc__.split("\n\n")[0])
    parser.add_argument("--generator", type=Path, required=True, help="checkpoint folder, which is written to")
    parser.add_argument("--sefa", type=positive_int, default=64, help="candidates of SeFa")
    parser.add_argument("--pca", type=positive_int, default=32, help="candidates of PCA")
    parser.add_argument("--faces", type=positive_int, default=64, help="random faces that every candidate moves")
    parser.add_argument("--read", type=positive_int, default=24, help="how many of them the emotion classifier reads")
    parser.add_argument("--no-emotions", action="store_true", help="measure colours and shapes alone")
    parser.add_argument("--confirm", type=positive_int, default=256, help="other faces that confirm what was found")
    parser.add_argument("--most", type=positive_int, default=MOST, help="directions to keep")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--strips", type=Path, help="folder for a picture of each direction, to look at")
    parser.add_argument("--threads", type=positive_int, default=torch.get_num_threads())
    return parser.parse_args(arguments)


def find_and_save(options: argparse.Namespace) -> None:
    """Store what is found, and say what it is."""
    if options.strips:
        check_folder(options.strips, "--strips")
    checkpoint = load_generator(options.generator)
    named = find(options, checkpoint)
    if not named:
        raise CheckpointError(f"{options.generator}: no direction changes a measure; train the generator longer.")
    vectors, infos = zip(*(oriented(each) for each in named), strict=True)
    save_directions(options.generator, torch.stack(vectors), infos)
    if checkpoint.record is not None:
        renew_card(options.generator)  # which lists the directions
    report(named)
    if options.strips:
        save_strips(load_generator(options.generator), options.strips, options.seed)


def find(options: argparse.Namespace, checkpoint: GeneratorCheckpoint) -> list[Named]:
    """Directions with names, confirmed, the clearest first."""
    size = checkpoint.config.generator.latent_size
    found = candidates(checkpoint.generator, min(options.sefa, size), min(options.pca, size), options.seed)
    emotions = None if options.no_emotions else Classifier.embedded("emotions")
    probe = Probe(checkpoint, emotions, options.faces, options.read, options.seed)
    measured = []
    for candidate in tqdm(found, desc="candidates", unit="direction", file=sys.stderr):
        strength = probe.strength(candidate.vector, STRENGTH_FACES)
        measured.append(Measured(candidate, strength, probe.effects(candidate.vector, strength)))
    other_faces = Probe(checkpoint, emotions, options.confirm, options.confirm, options.seed + 1)
    return confirmed(choose(measured, options.most), other_faces)


def report(named: Iterable[Named]) -> None:
    """Print what was kept, and what else each direction changes."""
    for each in named:
        sign = np.sign(each.effect)
        others = sorted(each.measured.effects.items(), key=lambda item: -abs(item[1]))
        besides = ", ".join(f"{name} {sign * effect:+.1f}" for name, effect in others[:4] if name != each.name)
        measured = each.measured
        print(
            f"{each.name:26} {measured.candidate.method:5} strength {measured.strength:g} "
            f"effect {abs(each.effect):.2f} sd; also {besides}"
        )


if __name__ == "__main__":
    sys.exit(main())
