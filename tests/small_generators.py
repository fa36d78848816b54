"""Small real generator checkpoints: random weights, but pictures that differ from seed to seed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from anime_models.dcgan import Discriminator, DiscriminatorSpec, Generator, GeneratorSpec
from anime_models.generator_checkpoint import (
    EPOCHS,
    DirectionInfo,
    GeneratorConfig,
    save_directions,
    save_generator,
)
from anime_models.records import ModelPart
from tests.small_models import make_record

NAMES = ("hair brighter", "picture brighter", "more colour", "face to the right", "mouth open", "larger eyes")
LATENT_SIZE = 128
STRENGTH = 4.0
FIXED_NOISE_SEED = 0
GRID_SIDE = 4  # pictures on each side of an epoch's strip
BATCH = 32  # latents that the statistics of BatchNorm are taken from


def small_generator(
    folder: Path,
    *,
    image_size: int = 64,
    width: int = 8,
    directions: Sequence[str] = NAMES,
    epochs: int = 3,
    seed: int = 0,
) -> Path:
    """Write a whole checkpoint folder: both networks, named directions and a grid of the fixed noise for each epoch."""
    torch.manual_seed(seed)
    generator = Generator(GeneratorSpec.model_validate({"image_size": image_size, "width": width}))
    discriminator = Discriminator(DiscriminatorSpec.model_validate({"image_size": image_size, "width": width}))
    with torch.no_grad():
        _spread(generator, discriminator)
    config = GeneratorConfig(
        generator=generator.spec, discriminator=discriminator.spec, fixed_noise_seed=FIXED_NOISE_SEED
    )
    record = make_record(run_id="drawn-generation-dcgan", task="generation", model=ModelPart(backbone="dcgan"))
    save_generator(folder, generator, discriminator, config, record, "# A small generator\n")
    if directions:
        infos = tuple(DirectionInfo(name=name, method="sefa", strength=STRENGTH) for name in directions)
        save_directions(folder, _unit_vectors(len(infos)), infos)
    _write_epochs(folder / EPOCHS, generator, epochs)
    return folder


def _spread(generator: Generator, discriminator: Discriminator) -> None:
    """Scale both last layers so that pictures and scores differ, as they hardly do before training."""
    latents = torch.randn(BATCH, LATENT_SIZE)
    with _settled(generator):
        pictures = generator(latents)
    _scale(generator.last, 1 / torch.atanh(pictures.clamp(-0.99, 0.99)).std())
    generator.eval()
    pictures = generator(latents)
    with _settled(discriminator):
        scores = discriminator(pictures)
    _scale(discriminator.last, 1 / scores.std())
    discriminator.eval()


@contextmanager
def _settled(network: nn.Module) -> Iterator[None]:
    """While it lasts, BatchNorm takes the statistics of what passes for its own."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    yield
    for norm in norms:
        norm.momentum = 0.1


def _scale(layer: nn.Module, factor: Tensor) -> None:
    for parameter in layer.parameters():
        parameter.mul_(factor)


def _unit_vectors(count: int) -> Tensor:
    """Orthogonal unit vectors ``[count, LATENT_SIZE]``."""
    square = torch.from_numpy(np.random.default_rng(1).standard_normal((LATENT_SIZE, count)))
    return torch.linalg.qr(square).Q.T.float()


def _write_epochs(folder: Path, generator: Generator, count: int) -> None:
    """Grids of one fixed noise that come out of grey, epoch by epoch."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(FIXED_NOISE_SEED)
    latents = rng.standard_normal((GRID_SIDE**2, LATENT_SIZE), np.float32)
    with torch.no_grad():
        pictures = generator(torch.from_numpy(latents))
    side = pictures.shape[-1]
    rows = pictures.reshape(GRID_SIDE, GRID_SIDE, 3, side, side).permute(0, 3, 1, 4, 2)
    grid = rows.reshape(GRID_SIDE * side, GRID_SIDE * side, 3).numpy()
    for epoch in range(1, count + 1):
        pixels = np.round(127.5 + 127.5 * grid * epoch / count).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"epoch-{epoch:03}.webp", quality=80)
