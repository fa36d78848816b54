"""Heat maps show where a model looks: shown on models that are known to look somewhere."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from timm.models import VisionTransformer
from torch import Tensor, nn

from anime_models.backbones import FaceModel
from anime_models.checkpoints import Checkpoint
from anime_models.classifier import Classifier
from anime_models.errors import ConfigError
from anime_models.explain import heat_map, overlay
from anime_models.preprocessing import Preprocessing
from tests.small_models import make_config, noise, write_checkpoint

COLOURS = ("red", "blue")
SIZE = 64


class ColourBackbone(nn.Module):
    """A convolutional backbone whose features are the amounts of red and of blue in each eighth of the picture."""

    def forward_features(self, images: Tensor) -> Tensor:
        pixels = images / 2 + 0.5
        red, green, blue = pixels.unbind(dim=1)
        amounts = torch.stack([(red - green - blue).relu(), (blue - green - red).relu()], dim=1)
        return nn.functional.adaptive_avg_pool2d(amounts, 8)

    def forward_head(self, features: Tensor) -> Tensor:
        return features.mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(images))


def classifier_of(backbone: nn.Module, num_features: int, resize: int = SIZE) -> Classifier:
    head = nn.Linear(num_features, len(COLOURS))
    if num_features == len(COLOURS):
        head.load_state_dict({"weight": torch.tensor([[1.0, -1.0], [-1.0, 1.0]]), "bias": torch.zeros(2)})
    config = make_config(
        label_names=COLOURS, preprocessing=Preprocessing(image_size=SIZE, resize=resize), strangers=None
    )
    return Classifier(Checkpoint(FaceModel(backbone, head).eval(), config, None, None, Path("colours")))


def with_squares(size: tuple[int, int], **boxes: tuple[int, int, int, int]) -> Image.Image:
    picture = Image.new("RGB", size, "white")
    for colour, box in boxes.items():
        picture.paste(colour, box)
    return picture


def share_inside(heat: np.ndarray, box: tuple[int, int, int, int]) -> float:
    x0, y0, x1, y1 = box
    return float(heat[y0:y1, x0:x1].sum() / heat.sum())


class TestConvolutional:
    RED, BLUE = (8, 8, 24, 24), (40, 40, 56, 56)

    @pytest.fixture(scope="class")
    @staticmethod
    def classifier() -> Classifier:
        return classifier_of(ColourBackbone(), 2)

    def test_the_heat_is_where_the_model_looks(self, classifier: Classifier) -> None:
        picture = with_squares((64, 64), red=self.RED, blue=self.BLUE)
        for label, box in (("red", self.RED), ("blue", self.BLUE)):
            heat = heat_map(classifier, picture, label)
            assert share_inside(heat, box) > 0.7
            assert heat.max() == 1

    def test_the_answer_is_explained_by_default(self, classifier: Classifier) -> None:
        picture = with_squares((64, 64), red=(0, 0, 32, 32), blue=(48, 48, 56, 56))
        assert classifier.predict([picture])[0].label == "red"
        np.testing.assert_array_equal(heat_map(classifier, picture), heat_map(classifier, picture, "red"))

    @pytest.mark.parametrize("size", [(64, 64), (32, 32), (200, 200), (17, 17)])
    def test_form_and_range(self, classifier: Classifier, size: tuple[int, int]) -> None:
        heat = heat_map(classifier, with_squares(size, red=(2, 2, 9, 9)), "red")
        assert heat.shape == (size[1], size[0])
        assert heat.dtype == np.float32
        assert heat.min() >= 0
        assert heat.max() == 1

    def test_what_speaks_for_nothing_is_all_zero(self, classifier: Classifier) -> None:
        assert not heat_map(classifier, Image.new("RGB", (64, 64), "white"), "red").any()

    @pytest.mark.parametrize(("size", "box"), [((160, 64), (80, 16, 96, 32)), ((64, 160), (32, 64, 48, 80))])
    def test_of_an_oblong_crop_only_the_square_that_is_seen(
        self, classifier: Classifier, size: tuple[int, int], box: tuple[int, int, int, int]
    ) -> None:
        heat = heat_map(classifier, with_squares(size, red=box), "red")
        assert heat.shape == (size[1], size[0])
        assert share_inside(heat, box) > 0.7
        assert share_inside(heat, (48, 0, 112, 64) if size[0] > size[1] else (0, 48, 64, 112)) == pytest.approx(1)

    def test_of_a_crop_that_is_cut_only_the_centre(self) -> None:
        """A model that sees the centre half has its heat there, and in the right place."""
        classifier = classifier_of(ColourBackbone(), 2, resize=2 * SIZE)
        box = (64, 40, 80, 56)
        heat = heat_map(classifier, with_squares((128, 128), red=box), "red")
        assert share_inside(heat, box) > 0.7
        assert share_inside(heat, (32, 32, 96, 96)) == pytest.approx(1)

    def test_an_unknown_label(self, classifier: Classifier) -> None:
        with pytest.raises(ConfigError, match=r"no class 'green'.*red, blue"):
            heat_map(classifier, noise(0), "green")


def patch_pictures(shown: Tensor) -> Tensor:
    """White pictures ``[N, 3, 64, 64]`` with a red and a blue patch, where ``shown`` ``[N, 2]`` is 1."""
    grid = torch.ones(len(shown), 3, 16)
    for picture, (red, blue) in zip(grid, shown, strict=True):
        first, second = torch.randperm(16)[:2]
        picture[:, first] = torch.tensor([1.0, -1, -1]) if red else 1.0
        picture[:, second] = torch.tensor([-1.0, -1, 1]) if blue else 1.0
    return grid.view(-1, 3, 4, 4).repeat_interleave(16, dim=2).repeat_interleave(16, dim=3)


class TestVisionTransformer:
    @pytest.fixture(scope="class")
    @staticmethod
    def classifier() -> Classifier:
        """A tiny ViT, taught in a moment to say whether a picture has a red patch, and whether it has a blue one."""
        torch.manual_seed(0)
        backbone = VisionTransformer(
            img_size=SIZE, patch_size=16, embed_dim=32, depth=3, num_heads=2, mlp_ratio=2, num_classes=0
        )
        classifier = classifier_of(backbone, 32)
        model = classifier.model.train()
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(150):
            shown = torch.randint(0, 2, (32, 2))
            loss = nn.functional.binary_cross_entropy_with_logits(model(patch_pictures(shown)), shown.float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert loss < 0.05
        model.eval()
        return classifier

    def test_the_heat_is_at_the_patch_that_decides(self, classifier: Classifier) -> None:
        for colour in COLOURS:
            for cell in range(16):
                top, left = 16 * (cell // 4), 16 * (cell % 4)
                box = (left, top, left + 16, top + 16)
                heat = heat_map(classifier, with_squares((64, 64), **{colour: box}), colour)
                assert share_inside(heat, box) > 3 / 16, (colour, cell)

    def test_form_and_range(self, classifier: Classifier) -> None:
        heat = heat_map(classifier, noise(0, (100, 100)))
        assert heat.shape == (100, 100)
        assert heat.dtype == np.float32
        assert 0 <= heat.min() <= heat.max() <= 1


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "resnet18", "vit_small_16"], scope="class")
class TestRealBackbones:
    @pytest.fixture(scope="class")
    @staticmethod
    def classifier(backbone: str, tmp_path_factory: pytest.TempPathFactory) -> Classifier:
        folder = tmp_path_factory.mktemp("models") / backbone
        return Classifier.load(write_checkpoint(folder, backbone=backbone, head="dropout"))

    def test_labels_and_pictures_differ(self, classifier: Classifier) -> None:
        first, second = noise(1, (80, 80)), noise(2, (80, 80))
        by_label = [heat_map(classifier, first, label) for label in classifier.label_names]
        assert all(heat.shape == (80, 80) and heat.min() >= 0 and heat.max() <= 1 for heat in by_label)
        assert not all(np.array_equal(by_label[0], heat) for heat in by_label[1:])
        assert not np.array_equal(heat_map(classifier, first), heat_map(classifier, second))

    def test_the_answer_is_explained_by_default(self, classifier: Classifier) -> None:
        (prediction,) = classifier.predict([noise(3)])
        np.testing.assert_array_equal(heat_map(classifier, noise(3)), heat_map(classifier, noise(3), prediction.label))

    def test_it_leaves_the_model_as_it_was(self, classifier: Classifier) -> None:
        before = classifier.predict([noise(4)])
        heat_map(classifier, noise(4))
        assert all(parameter.grad is None for parameter in classifier.model.parameters())
        assert classifier.predict([noise(4)]) == before

    def test_threads_may_share_it(self, classifier: Classifier) -> None:
        pictures = [noise(seed) for seed in range(4)]
        expected = [heat_map(classifier, picture) for picture in pictures]
        with ThreadPoolExecutor(4) as pool:
            for heat, other in zip(expected, pool.map(lambda p: heat_map(classifier, p), pictures), strict=True):
                np.testing.assert_array_equal(heat, other)


class TestOverlay:
    def test_warm_where_it_is_hot_and_the_picture_everywhere(self) -> None:
        picture = noise(5, (40, 30))
        heat = np.zeros((30, 40), dtype=np.float32)
        heat[:, 20:] = 1
        laid = overlay(picture, heat)
        assert (laid.size, laid.mode) == ((40, 30), "RGB")
        cold, hot = np.asarray(laid)[:, :20].astype(int), np.asarray(laid)[:, 20:].astype(int)
        before = np.asarray(picture).astype(int)
        # Yellow is laid on at 0.7, dark violet at 0.25.
        np.testing.assert_allclose(hot, before[:, 20:] * 0.3 + np.array([240, 249, 33]) * 0.7, atol=1)
        np.testing.assert_allclose(cold, before[:, :20] * 0.75 + np.array([13, 8, 135]) * 0.25, atol=1)

    def test_heat_outside_the_range_is_clipped(self) -> None:
        picture = noise(6, (8, 8))
        wild = overlay(picture, np.full((8, 8), 7.0))
        assert wild.tobytes() == overlay(picture, np.ones((8, 8))).tobytes()
