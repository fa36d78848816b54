"""Strategies: what is open when, and that frozen means frozen."""

from dataclasses import replace

import pytest
import torch

from anime_models.backbones import build_model
from anime_models.errors import ConfigError
from training.classification.phases import num_open_stages, open_stages, set_training
from training.classification.segments import stages
from training.recipes import RECIPES, Recipe, at_scale, recipe_named

RESNET_STAGES = 6  # head, four stages, stem


def opened(recipe: Recipe, num_stages: int = RESNET_STAGES) -> list[int]:
    return [num_open_stages(recipe, epoch, num_stages) for epoch in range(recipe.epochs)]


class TestStrategies:
    def test_a_linear_probe_trains_the_head(self) -> None:
        assert opened(recipe_named("santoro-linear_probe")) == [1] * 20

    def test_partial_trains_the_head_and_the_deepest_stage(self) -> None:
        assert opened(recipe_named("santoro-partial")) == [2] * 30

    def test_full_trains_everything_but_what_the_recipe_freezes(self) -> None:
        assert opened(recipe_named("santoro-full")) == [6] * 40
        assert set(opened(replace(recipe_named("santoro-full"), frozen_stages=2))) == {4}

    def test_progressive_opens_a_stage_every_five_epochs_deepest_first(self) -> None:
        assert opened(recipe_named("santoro-progressive")) == [
            *([1] * 5),
            *([2] * 5),
            *([3] * 5),
            *([4] * 5),
            *([5] * 5),
            *([6] * 25),
        ]

    @pytest.mark.parametrize("scale", ["full", "cpu"])
    @pytest.mark.parametrize("num_stages", [6, 9])
    def test_the_even_schedule_depends_on_the_architecture(self, num_stages: int, scale: str) -> None:
        """Every stage gets its turn, and all turns are as long, but for an epoch."""
        numbers = opened(at_scale(recipe_named("santoro-progressive-even"), scale), num_stages)
        assert numbers == sorted(numbers)
        turns = [numbers.count(number) for number in range(1, num_stages + 1)]
        assert min(turns) >= max(turns) - 1 > 0

    @pytest.mark.parametrize("frozen", [-1, 6, 7])
    def test_freezing_more_than_there_is_is_refused(self, frozen: int) -> None:
        with pytest.raises(ConfigError, match=f"Cannot freeze {frozen} of 6 stages"):
            num_open_stages(replace(recipe_named("characters"), frozen_stages=frozen), 0, 6)

    def test_an_unknown_strategy_is_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"no strategy 'half'\. Choose one of: linear_probe"):
            num_open_stages(replace(recipe_named("characters"), strategy="half"), 0, 9)


class TestOpening:
    @pytest.mark.parametrize("num_open", [1, 2, 5, 9])
    def test_it_counts_from_the_head(self, num_open: int) -> None:
        model = build_model("efficientnet_lite0", "plain", 3, 64)
        open_stages(model, num_open)
        set_training(model)
        free = {name for stage in stages(model)[:num_open] for name in stage.parameters}
        for name, parameter in model.named_parameters():
            assert parameter.requires_grad == (name in free)
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                assert module.training == (f"{name}.weight" in free)


class TestScales:
    def test_cpu_changes_image_size_and_epochs_alone_and_says_so(self) -> None:
        for recipe in RECIPES.values():
            scaled = at_scale(recipe, "cpu")
            assert scaled.scale == "cpu"
            assert scaled.image_size == min(recipe.image_size, 128)
            same = replace(
                scaled,
                scale="full",
                image_size=recipe.image_size,
                epochs=recipe.epochs,
                unfreeze_every=recipe.unfreeze_every,
            )
            assert same == recipe

    def test_a_progressive_schedule_keeps_its_proportions(self) -> None:
        full = opened(recipe_named("santoro-progressive"))
        scaled = opened(at_scale(recipe_named("santoro-progressive"), "cpu"))
        assert len(scaled) == 20
        assert scaled == [full[int(epoch * 2.5)] for epoch in range(20)]

    def test_full_scale_is_the_paper_s(self) -> None:
        assert at_scale(recipe_named("kanata"), "full") == recipe_named("kanata")

    def test_an_unknown_scale_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="no scale 'huge'"):
            at_scale(recipe_named("kanata"), "huge")
