"""One step of a generator's training: networks, losses, augmentation, recipes."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from anime_models.dcgan import Discriminator, DiscriminatorSpec, Generator, GeneratorSpec
from anime_models.errors import ConfigError
from training.generation import loop
from training.generation.augment import KINDS, differentiable
from training.generation.loop import Adversaries, training_latents
from training.generation.losses import discriminator_loss, generator_loss, gradient_penalty
from training.generation.recipe import GAN_RECIPES, GanRecipe, gan_at_scale, gan_recipe


class TestStep:
    @pytest.fixture(params=list(GAN_RECIPES))
    def adversaries(self, request: pytest.FixtureRequest) -> Adversaries:
        return Adversaries(gan_at_scale(gan_recipe(request.param), "smoke"), 10, "fp32", seed=0)

    def test_both_networks_learn_and_stay_finite(self, adversaries: Adversaries) -> None:
        size = adversaries.recipe.image_size
        before = {name: p.clone() for name, p in adversaries.generator.named_parameters()}
        judged = {name: p.clone() for name, p in adversaries.discriminator.named_parameters()}
        line = adversaries.step(torch.rand(4, 3, size, size) * 2 - 1)
        assert all(np.isfinite(value) for value in line.values())
        assert all(not torch.equal(before[name], p) for name, p in adversaries.generator.named_parameters())
        assert any(not torch.equal(judged[name], p) for name, p in adversaries.discriminator.named_parameters())
        assert all(p.requires_grad for p in adversaries.discriminator.parameters())

    def test_the_generators_step_leaves_the_discriminator_alone(self) -> None:
        adversaries = Adversaries(gan_at_scale(gan_recipe("ning"), "smoke"), 10, "fp32", seed=0)
        adversaries.step(torch.rand(4, 3, 64, 64) * 2 - 1)
        (first, *_) = adversaries.discriminator.parameters()
        steps = adversaries.optimizers["discriminator"].state[first]["step"]
        assert float(steps) == 1

    def test_learning_rates_fall_to_zero_at_the_end(self) -> None:
        recipe = GanRecipe(name="x", epochs=1, generator_width=8, discriminator_width=8, decay_share=0.5)
        adversaries = Adversaries(recipe, 4, "fp32", seed=0)
        rates = []
        for _ in range(4):
            rates.append(adversaries.optimizers["generator"].param_groups[0]["lr"] / recipe.generator_lr)
            adversaries.step(torch.rand(4, 3, 64, 64) * 2 - 1)
        assert rates == [1.0, 1.0, 1.0, 0.5]

    def test_latents_are_of_all_the_lengths_that_the_recipe_says(self) -> None:
        torch.manual_seed(0)
        recipe = replace(gan_recipe("ours"), latent_size=1024)
        lengths = training_latents(2000, recipe).norm(dim=1) / recipe.latent_size**0.5  # of N(0, 1): 1 ± 0.02
        assert lengths.min() > 0.45
        assert lengths.max() < 1.1
        assert lengths.mean() == pytest.approx(0.75, abs=0.01), "evenly from a half to one"
        whole = training_latents(2000, replace(recipe, shortest_latent=1.0)).norm(dim=1) / recipe.latent_size**0.5
        assert whole.min() > 0.9

    def test_the_penalty_falls_due_every_few_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A resumed run goes on in the same turn."""
        penalties: list[torch.Tensor] = []

        def penalty(logits: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
            penalties.append(torch.ones(()))
            return penalties[-1]

        def taken(adversaries: Adversaries, num_steps: int) -> list[int]:
            """How many penalties each step takes."""
            counts = [len(penalties)]
            for _ in range(num_steps):
                adversaries.step(torch.rand(4, 3, 64, 64))
                counts.append(len(penalties))
            return [after - before for before, after in itertools.pairwise(counts)]

        monkeypatch.setattr(loop, "gradient_penalty", penalty)
        recipe = GanRecipe(name="x", epochs=1, generator_width=8, discriminator_width=8, r1=10.0, r1_every=3)
        adversaries, resumed = (Adversaries(recipe, 9, "fp32", seed=0) for _ in range(2))
        assert taken(adversaries, 5) == [1, 0, 0, 1, 0]
        parts: dict[str, Any] = dict(adversaries.parts)
        restored: dict[str, Any] = dict(resumed.parts)
        for name, part in parts.items():
            restored[name].load_state_dict(part.state_dict())
        assert taken(resumed, 3) == [0, 1, 0]


class TestLosses:
    def test_bce_is_binary_cross_entropy(self) -> None:
        real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
        bce = torch.nn.functional.binary_cross_entropy_with_logits
        wanted = bce(real, torch.ones(2)) + bce(fake, torch.zeros(2))
        assert discriminator_loss(real, fake, "bce") == pytest.approx(float(wanted))
        assert generator_loss(fake, "bce") == pytest.approx(float(bce(fake, torch.ones(2))))

    def test_hinge_is_flat_where_the_discriminator_is_sure(self) -> None:
        assert discriminator_loss(torch.tensor([1.5]), torch.tensor([-2.0]), "hinge") == 0
        assert discriminator_loss(torch.tensor([0.0]), torch.tensor([0.5]), "hinge") == pytest.approx(2.5)

    def test_the_penalty_is_the_gradients_squared_norm(self) -> None:
        pictures = torch.rand(2, 3, 64, 64, requires_grad=True)
        penalty = gradient_penalty(3 * pictures.flatten(1).sum(dim=1), pictures)
        assert float(penalty) == pytest.approx(0.5 * 9 * 3 * 64 * 64, rel=1e-4)

    def test_the_penalty_in_bf16_is_about_that_in_fp32(self) -> None:
        torch.manual_seed(0)
        network, pictures = Discriminator(DiscriminatorSpec(width=16)), torch.rand(8, 3, 64, 64, requires_grad=True)
        penalties = []
        for autocast in (False, True):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
                logits = network(pictures).float()
            penalties.append(float(gradient_penalty(logits, pictures).detach()))
        assert penalties[1] == pytest.approx(penalties[0], rel=0.05)
        assert penalties[0] > 0


class TestAugmentation:
    @pytest.mark.parametrize("kind", list(KINDS))
    def test_gradients_pass_and_pictures_differ(self, kind: str) -> None:
        torch.manual_seed(0)
        pictures = (torch.rand(6, 3, 16, 16) * 2 - 1).requires_grad_(True)
        changed = differentiable(pictures, (kind,))
        assert changed.shape == pictures.shape
        assert not torch.equal(changed, pictures)
        changed.sum().backward()
        assert pictures.grad is not None
        assert pictures.grad.abs().sum() > 0

    def test_a_translation_moves_by_whole_pixels(self) -> None:
        torch.manual_seed(0)
        pictures = torch.zeros(20, 1, 16, 16)
        pictures[:, :, 8, 8] = 1.0
        moved = differentiable(pictures.expand(20, 3, 16, 16), ("translation",))
        assert (moved.sum(dim=(1, 2, 3)) == 3).all()
        assert len({int(picture[0].argmax()) for picture in moved}) > 5

    def test_an_unknown_kind_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="no augmentation 'blur'"):
            differentiable(torch.zeros(1, 3, 8, 8), ("blur",))


class TestRecipes:
    def test_unknown_names_are_refused(self) -> None:
        with pytest.raises(ConfigError, match="Choose one of: ning, chen, hu, ours"):
            gan_recipe("stylegan")
        with pytest.raises(ConfigError, match="no scale 'tiny'"):
            gan_at_scale(gan_recipe("ning"), "tiny")

    def test_the_papers_settings_are_theirs(self) -> None:
        ning, hu = gan_recipe("ning"), gan_recipe("hu")
        assert (ning.image_size, ning.latent_size, ning.batch_size, ning.epochs, ning.loss) == (
            64,
            128,
            128,
            100,
            "bce",
        )
        assert (hu.image_size, hu.batch_size, hu.generator_lr, hu.discriminator_lr) == (256, 4, 1e-4, 2e-5)
        assert gan_recipe("chen").epochs == 150

    def test_scale_cpu_changes_widths_and_epochs_alone(self) -> None:
        full, cpu = gan_recipe("ning"), gan_at_scale(gan_recipe("ning"), "cpu")
        changed = {name for name in vars(full) if getattr(full, name) != getattr(cpu, name)}
        assert changed == {"scale", "epochs", "generator_width", "discriminator_width"}


@pytest.mark.parametrize("image_size", [64, 128, 256])
@pytest.mark.parametrize("upsampling", ["transposed", "nearest"])
def test_networks_of_every_size(image_size: int, upsampling: str) -> None:
    spec = {"image_size": image_size, "width": 4}
    generator = Generator(GeneratorSpec.model_validate({**spec, "upsampling": upsampling, "latent_size": 16}))
    pictures = generator(torch.randn(3, 16))
    assert pictures.shape == (3, 3, image_size, image_size)
    assert float(pictures.detach().abs().max()) <= 1
    for normalisation in ("batch", "spectral", "none"):
        discriminator = Discriminator(DiscriminatorSpec.model_validate({**spec, "normalisation": normalisation}))
        discriminator(generator(torch.randn(3, 16))).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())
