"""The two networks of a recipe."""

from __future__ import annotations

from anime_models.dcgan import Discriminator, DiscriminatorSpec, Generator, GeneratorSpec
from training.generation.recipe import GanRecipe


def networks(recipe: GanRecipe) -> tuple[Generator, Discriminator]:
    """Both networks at a random start."""
    size = recipe.image_size
    generator = GeneratorSpec.model_validate(
        {
            "image_size": size,
            "latent_size": recipe.latent_size,
            "width": recipe.generator_width,
            "upsampling": recipe.upsampling,
        }
    )
    discriminator = DiscriminatorSpec.model_validate(
        {
            "image_size": size,
            "width": recipe.discriminator_width,
            "normalisation": recipe.normalisation,
            "minibatch_deviation": recipe.minibatch_deviation,
        }
    )
    return Generator(generator), Discriminator(discriminator)
