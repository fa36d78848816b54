"""Every backbone as a chain of stages: it computes the same, and its stages are what the papers' strategies open."""

from itertools import pairwise

import pytest
import timm
import torch
from torch import Tensor, nn

from anime_models.backbones import BACKBONES, FaceModel, build_model
from anime_models.errors import ConfigError
from training.classification.segments import frozen_state, split_at, stages

SIZE = 64
NUM_EMOTIONS = 6

# Trainable shares, in percent, of Santoro et al., Table 2, by the number of open stages.
PAPER_SHARES = {
    "resnet18": {1: 0.0, 2: 75.1, 4: 98.6},
    "resnet50": {1: 0.1, 2: 63.7, 4: 99.0},
    "vit_base_16": {1: 0.0, 2: 24.8},
    "vit_small_16": {1: 0.0, 2: 24.6, 4: 73.7},
}


@pytest.fixture(scope="module", params=BACKBONES)
def model(request: pytest.FixtureRequest) -> FaceModel:
    """One model at a time, in eval mode, whose BatchNorm statistics are not all the same."""
    torch.manual_seed(0)
    model = build_model(request.param, "plain", NUM_EMOTIONS, SIZE)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)  # ResNets start with zeros, which hide what a block computes
    return model.eval()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1


def built_without_memory(name: str) -> FaceModel:
    with torch.device("meta"):
        return build_model(name, "plain", NUM_EMOTIONS, 224)


@torch.no_grad()
def test_the_chain_computes_what_the_model_computes(model: FaceModel, images: Tensor) -> None:
    head, *backbone = stages(model)
    features = images
    for stage in reversed(backbone):
        features = stage.run(features)
    assert torch.equal(features, model.backbone(images))
    assert torch.equal(head.run(features), model(images))


@torch.no_grad()
def test_it_can_be_split_at_every_stage(model: FaceModel, images: Tensor) -> None:
    logits = model(images)
    for num_open in range(1, len(stages(model)) + 1):
        lower, upper = split_at(model, num_open)
        assert torch.equal(upper(lower(images)), logits), num_open
    assert lower(images) is images


@torch.no_grad()
def test_a_split_model_trains_and_computes_in_bfloat16_alike(model: FaceModel, images: Tensor) -> None:
    lower, upper = split_at(model, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(upper(lower(images)), model(images))
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.train()
    assert torch.equal(upper(lower(images)), model(images))
    model.eval().load_state_dict(state)


def test_every_parameter_and_buffer_is_in_one_stage(model: FaceModel) -> None:
    parts = stages(model)
    parameters = [name for stage in parts for name in stage.parameters]
    buffers = [name for stage in parts for name in stage.buffers]
    assert sorted(parameters) == sorted(name for name, _ in model.named_parameters())
    assert sorted(buffers) == sorted(name for name, _ in model.named_buffers())
    assert [stage.name for stage in parts][:: len(parts) - 1] == ["head", "stem"]
    assert all(name.startswith("head.") for name in parts[0].parameters)
    assert all(name.startswith("backbone.") for stage in parts[1:] for name in stage.parameters)


def test_a_stage_uses_its_own_parameters_and_buffers(model: FaceModel, images: Tensor) -> None:
    """What a strategy freezes is exactly what the cached features depend on."""
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    values = images
    for stage in reversed(stages(model)):
        values = stage.run(values)
        values.sum().backward()
        assert {name for name, parameter in parameters.items() if parameter.grad is not None} == {*stage.parameters}
        model.zero_grad(set_to_none=True)
        values = values.detach()
    model.train()
    with torch.no_grad():
        values = images
        for stage in reversed(stages(model)):
            before = {name: buffer.clone() for name, buffer in buffers.items()}
            values = stage.run(values)
            assert {name for name, buffer in buffers.items() if not buffer.equal(before[name])} == {*stage.buffers}
    model.eval().load_state_dict(state)


def test_a_stage_is_made_of_whole_layer_groups_of_timm(model: FaceModel) -> None:
    matcher = model.backbone.group_matcher(coarse=True)
    groups = timm.models.group_parameters(model.backbone, matcher)
    position = {name: depth for depth, stage in enumerate(stages(model)) for name in stage.parameters}
    depths = [{position[f"backbone.{name}"] for name in groups[number]} for number in sorted(groups)]
    assert all(len(depth) == 1 for depth in depths)
    assert all(min(before) >= min(after) for before, after in pairwise(depths))


def test_only_the_open_part_learns(model: FaceModel, images: Tensor) -> None:
    parts, num_open = stages(model), 3
    lower, upper = split_at(model, num_open)
    with torch.no_grad():
        features = lower(images)
    before = features.clone()
    upper(features).sum().backward()
    assert torch.equal(features, before)
    opened = {name for stage in parts[:num_open] for name in stage.parameters}
    assert {name for name, parameter in model.named_parameters() if parameter.grad is not None} == opened
    model.zero_grad(set_to_none=True)


@torch.no_grad()
def test_the_frozen_state_is_all_that_the_lower_part_depends_on(model: FaceModel, images: Tensor) -> None:
    num_open = 3
    features = split_at(model, num_open)[0](images)
    torch.manual_seed(2)
    name = next(
        name for name, spec in BACKBONES.items() if spec.timm_name == model.backbone.pretrained_cfg["architecture"]
    )
    other = build_model(name, "plain", NUM_EMOTIONS, SIZE).eval()
    assert not torch.equal(split_at(other, num_open)[0](images), features)
    state = frozen_state(model, num_open)
    assert not any(tensor.requires_grad for tensor in state.values())
    other.load_state_dict({**other.state_dict(), **state})
    assert torch.equal(split_at(other, num_open)[0](images), features)
    assert frozen_state(model, len(stages(model))) == {}


def test_only_a_number_of_stages_that_there_is_can_be_open(model: FaceModel) -> None:
    for num_open in (0, len(stages(model)) + 1):
        with pytest.raises(ConfigError, match=f"Cannot open {num_open} of"):
            split_at(model, num_open)
        with pytest.raises(ConfigError, match=f"Cannot open {num_open} of"):
            frozen_state(model, num_open)


@pytest.mark.parametrize("name", PAPER_SHARES)
def test_stages_have_the_shares_that_the_paper_trains(name: str) -> None:
    model = built_without_memory(name)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    opened = [sum(sizes[name] for name in stage.parameters) for stage in stages(model)]
    for num_open, percent in PAPER_SHARES[name].items():
        assert round(100 * sum(opened[:num_open]) / sum(sizes.values()), 1) == percent, num_open


def test_the_paper_never_opens_a_vit_s_class_token_and_position_embedding() -> None:
    """Its ViT-B/16 ends with 99.8% trainable; ours opens the two with the stem, as timm groups them."""
    model = built_without_memory("vit_base_16")
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    loose = {"backbone.cls_token", "backbone.pos_embed"}
    assert loose < {*stages(model)[-1].parameters}
    assert round(100 - 100 * sum(sizes[name] for name in loose) / sum(sizes.values()), 1) == 99.8


def test_the_number_of_stages_is_that_of_the_architecture() -> None:
    counts = {name: len(stages(built_without_memory(name))) for name in BACKBONES}
    inverted_residuals = {"mobilenet_v2", "efficientnet_lite0"}
    assert counts == {name: 9 if name in inverted_residuals else 6 for name in BACKBONES}


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"A Flatten is not divided into stages.*VisionTransformer"):
        stages(FaceModel(nn.Flatten(), nn.Linear(12, 2)))
