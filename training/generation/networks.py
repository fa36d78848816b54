"""The two networks of a recipe."""

from __future__ import annotations

from anime_models.dcgan import Discriminator, DiscriminatorSpec, Generator, GeneratorSpec
from training.generation.recipe import GanRecipe


def networks(recipe: GanRecipe) -> tuple[Generator, Discriminator]:
    """Both networks at a random start."""
    generator, discriminator = specs(recipe)
    return Generator(generator), Discriminator(discriminator)


def specs(recipe: GanRecipe) -> tuple[GeneratorSpec, DiscriminatorSpec]:
    """What both networks are built from."""
    size = recipe.image_size
    generator = GeneratorSpec.model_validate(
        {
            "image_size": size,
            "latent_size": recipe.latent_size,
            "width": recipe.generator_width,
            "upsampling": recipe.upsampling,
            "residual": recipe.residual,
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
    return generator, discriminator
