"""Small real generator checkpoints: random weights, but pictures that differ from seed to seed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from anime_models.dcgan import Discriminator, DiscriminatorSpec, Generator, GeneratorSpec
from anime_models.gan_metrics import features, packaged_extractor
from anime_models.generator_checkpoint import (
    EPOCHS,
    NOVELTY,
    DirectionInfo,
    GeneratorConfig,
    save_directions,
    save_generator,
)
from anime_models.novelty import NoveltyIndex
from anime_models.records import ModelPart
from tests.small_models import make_record

NAMES = ("hair brighter", "picture brighter", "more colour", "face to the right", "mouth open", "larger eyes")
LATENT_SIZE = 128
STRENGTH = 4.0
FIXED_NOISE_SEED = 0
GRID_SIDE = 4  # pictures on each side of an epoch's strip
NOVELTY_SETS = ((16, 1), (8, 2))  # training and held-out pictures: how many, and of which seed
BATCH = 32  # latents that the statistics of BatchNorm are taken from


def small_generator(
    folder: Path,
    *,
    image_size: int = 64,
    width: int = 8,
    directions: Sequence[str] = NAMES,
    epochs: int = 3,
    novelty: bool = True,
    seed: int = 0,
) -> Path:
    """Write a whole checkpoint folder: networks, named directions, novelty index, a grid of fixed noise per epoch."""
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
    if novelty:
        _write_novelty(folder / NOVELTY, generator)
    return folder


def _spread(generator: Generator, discriminator: Discriminator) -> None:
    """Make pictures and scores differ from latent to latent, as they hardly do before training.

    Layers that enlarge are made smooth, and the last ones are scaled.
    """
    for layer in generator.blocks.modules():
        _smooth(layer)
    _smooth(generator.last)
    latents = torch.randn(BATCH, LATENT_SIZE)
    last = generator.last
    assert isinstance(last, nn.ConvTranspose2d)
    assert last.bias is not None
    with _settled(generator):
        shades = last(generator.blocks(generator.first_norm(generator.first(latents[:, :, None, None]))))
    deviation, mean = torch.std_mean(shades, dim=(0, 2, 3))
    last.weight.div_(deviation[:, None, None])
    last.bias.sub_(mean).div_(deviation)
    generator.eval()
    pictures = generator(latents)
    with _settled(discriminator):
        scores = discriminator(pictures)
    discriminator.last.weight.div_(scores.std())
    discriminator.eval()


def _smooth(layer: nn.Module) -> None:
    if isinstance(layer, nn.ConvTranspose2d):
        rise = torch.tensor([0.25, 0.75, 0.75, 0.25])  # linear interpolation between the old pixels
        layer.weight.copy_(layer.weight.sum(dim=(2, 3), keepdim=True) * torch.outer(rise, rise))


@contextmanager
def _settled(network: nn.Module) -> Iterator[None]:
    """While it lasts, BatchNorm takes the statistics of what passes for its own."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    yield
    for norm in norms:
        norm.momentum = 0.1


def _unit_vectors(count: int) -> Tensor:
    """Orthogonal unit vectors ``[count, LATENT_SIZE]``."""
    square = torch.from_numpy(np.random.default_rng(1).standard_normal((LATENT_SIZE, count)))
    return torch.linalg.qr(square).Q.T.float()


def _write_epochs(folder: Path, generator: Generator, count: int) -> None:
    """Grids of one fixed noise that come out of grey, epoch by epoch."""
    folder.mkdir(exist_ok=True)
    pictures = _pictures(generator, GRID_SIDE**2, FIXED_NOISE_SEED)
    side = pictures.shape[-1]
    rows = pictures.reshape(GRID_SIDE, GRID_SIDE, 3, side, side).permute(0, 3, 1, 4, 2)
    grid = rows.reshape(GRID_SIDE * side, GRID_SIDE * side, 3).numpy()
    for epoch in range(1, count + 1):
        pixels = np.round(127.5 + 127.5 * grid * epoch / count).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"epoch-{epoch:03}.webp", quality=80)


def _write_novelty(path: Path, generator: Generator) -> None:
    """An index of a few of the generator's own pictures, as if they were what it was trained on."""
    extractor = packaged_extractor()
    seen, held_out = (features(extractor, [_pictures(generator, count, seed)]) for count, seed in NOVELTY_SETS)
    NoveltyIndex.build(seen, held_out, dims=8).save(path)


def _pictures(generator: Generator, count: int, seed: int) -> Tensor:
    with torch.no_grad():
        pictures: Tensor = generator(torch.randn(count, LATENT_SIZE, generator=torch.Generator().manual_seed(seed)))
    return pictures
