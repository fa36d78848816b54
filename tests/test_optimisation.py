"""Learning rates, schedules and mixing."""

import pytest
import torch

from anime_models.backbones import build_model, layer_groups
from training.common.optimisation import learning_rate_factor, mixer, parameter_groups, seed_everything
from training.recipes import Recipe


def test_learning_rates_fall_from_head_to_stem_and_norms_do_not_decay() -> None:
    model = build_model("efficientnet_lite0", "dropout", 3, 64)
    recipe = Recipe("test", epochs=1, head_lr=1.0, backbone_lr=0.5, layer_decay=0.5, weight_decay=0.1)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    depth_of = {name: depth for depth, group in enumerate(layer_groups(model)) for name in group}
    seen = 0
    for group in parameter_groups(model, recipe):
        for parameter in group["params"]:
            depth = depth_of[names[id(parameter)]]
            assert group["lr"] == pytest.approx(1.0 if depth == 0 else 0.5**depth)
            assert group["weight_decay"] == (0.1 if parameter.ndim > 1 else 0)
            seen += 1
    assert seen == len(names)


def test_a_cosine_rises_and_falls_to_zero() -> None:
    factor = learning_rate_factor(Recipe("test", epochs=1, warmup_share=0.2), 100)
    values = [factor(step) for step in range(101)]
    assert values[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert max(values) == values[20] == 1
    assert values[60] == pytest.approx(0.5)
    assert values[20:] == sorted(values[20:], reverse=True)
    assert values[100] == pytest.approx(0)


def test_a_constant_schedule_stays() -> None:
    factor = learning_rate_factor(Recipe("test", epochs=1, schedule="constant", warmup_share=0.0), 50)
    assert {factor(step) for step in range(51)} == {1.0}


def test_mixing_keeps_the_mass_of_the_targets() -> None:
    recipe = Recipe("test", epochs=1, mix_share=1.0)
    seed_everything(0)
    images, labels = torch.rand(8, 3, 16, 16), torch.arange(8) % 3
    mixed, targets = mixer(recipe, 3)(images.clone(), labels)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(8))
    assert not torch.equal(mixed, images)


def test_without_mixing_only_labels_are_smoothed() -> None:
    recipe = Recipe("test", epochs=1, mixup=0.0, cutmix=0.0, label_smoothing=0.3)
    images = torch.rand(4, 3, 16, 16)
    same, targets = mixer(recipe, 3)(images.clone(), torch.tensor([0, 1, 2, 0]))
    assert torch.equal(same, images)
    torch.testing.assert_close(targets[0], torch.tensor([0.8, 0.1, 0.1]))
