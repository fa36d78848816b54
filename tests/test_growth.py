"""A wide vision transformer goes on where a narrow one is."""

from pathlib import Path

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer

from anime_models.backbones import FaceModel, build_model
from anime_models.checkpoints import load_checkpoint, save_checkpoint
from tests.small_models import make_record, write_checkpoint
from training.distill import main, recipe_of
from training.distillation.growth import grow
from training.distillation.loop import DistillRecipe, phases_of
from training.distillation.run import embedding_config


def vit(width: int, heads: int) -> FaceModel:
    torch.manual_seed(width)
    backbone = VisionTransformer(
        img_size=32, patch_size=16, embed_dim=width, depth=3, num_heads=heads, num_classes=0, weight_init="jax"
    )
    return FaceModel(backbone, torch.nn.Linear(width, 5)).eval()


def write_student(folder: Path, backbone: str) -> Path:
    """A student that has learnt nothing."""
    config = embedding_config(backbone, 32, "distilled:efficientnet_lite0")
    save_checkpoint(folder, build_model(backbone, "plain", config.num_outputs, 32), config, make_record(), card="")
    return folder


def test_the_wide_one_computes_the_same() -> None:
    narrow, wide = vit(16, 2), vit(32, 4)
    torch.nn.init.normal_(narrow.backbone.pos_embed)
    grow(wide, narrow)
    pictures = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        features = narrow.features(pictures)
        assert torch.allclose(wide.features(pictures), torch.cat([features, features], dim=1), atol=1e-5)
        assert torch.allclose(wide(pictures), narrow(pictures), atol=1e-5)
    assert features.std() > 0.1


def test_the_copies_get_different_gradients() -> None:
    narrow, wide = vit(16, 2), vit(32, 4)
    grow(wide, narrow)
    (wide.features(torch.randn(3, 3, 32, 32)) @ torch.randn(32)).sum().backward()
    gradients = {name: parameter.grad for name, parameter in wide.backbone.named_parameters()}
    for name in ("blocks.0.mlp.fc1.weight", "blocks.1.attn.qkv.bias", "cls_token"):
        gradient = gradients[name]
        assert gradient is not None
        first, second = gradient.chunk(2, dim=-1 if name == "cls_token" else 0)
        assert not torch.allclose(first, second, rtol=0.01)


def test_it_goes_on_with_pictures_of_full_size_alone(tmp_path: Path) -> None:
    asked = DistillRecipe(epochs=2.0, image_size=128, batch_size=50)
    narrow = load_checkpoint(write_student(tmp_path, "vit_small_16"))
    grown, from_scratch = (phases_of(recipe_of("vit_base_16", asked, start), 1000) for start in (narrow, None))
    assert [(phase.image_size, phase.num_steps) for phase in grown] == [(128, 40)]
    assert [(phase.image_size, phase.num_steps) for phase in from_scratch] == [(64, 34), (128, 6)]
    assert grown[0].lr < from_scratch[-1].lr


def test_another_width_is_refused() -> None:
    with pytest.raises(RuntimeError, match="size mismatch"):
        grow(vit(48, 4), vit(16, 2))


def test_what_none_goes_on_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, classifier = write_student(tmp_path / "other", "mobilenet_v2"), write_checkpoint(tmp_path / "classifier")
    flags = ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    for backbone, start, message in (
        ("vit_base_16", other, "the mobilenet_v2 of {}; name a vit_base_16 or a vit_small_16."),
        ("resnet18", other, "the mobilenet_v2 of {}; name a resnet18."),
        ("mobilenet_v2", classifier, "{} is a model for emotion; name what this command has taught."),
    ):
        assert main(["--backbone", backbone, *flags, "--start", str(start)]) == 1
        assert message.format(start) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
