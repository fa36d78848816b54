"""What a crop becomes before the network sees it, at evaluation and in training."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch import Tensor

from anime_models.preprocessing import (
    Augmentation,
    Preprocessing,
    eval_input,
    normalise,
    resize_square,
    train_transform,
)
from tests.small_models import noise

HALF = Preprocessing(image_size=32, resize=32)


def pixels_of(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


class TestEvalInput:
    def test_values_are_normalised_by_channel(self) -> None:
        settings = Preprocessing(image_size=32, resize=32, mean=(0.0, 0.5, 1.0), std=(1.0, 0.5, 0.25))
        batch = eval_input([Image.new("RGB", (32, 32), (255, 255, 0))], settings)
        assert batch.shape == (1, 3, 32, 32)
        assert batch.dtype == torch.float32
        assert batch[0, :, 0, 0].tolist() == [1.0, 1.0, -4.0]
        assert batch.is_contiguous(memory_format=torch.channels_last)

    def test_a_picture_of_the_right_size_is_not_resampled(self) -> None:
        picture = noise(0, (32, 32))
        assert torch.equal(eval_input([picture], HALF)[0], (pixels_of(picture).float() - 127.5) / 127.5)

    @pytest.mark.parametrize("size", [(16, 16), (32, 32), (33, 31), (500, 40), (40, 500), (1, 1), (1000, 1000)])
    def test_any_size_gives_the_same_shape(self, size: tuple[int, int]) -> None:
        assert eval_input([Image.new("RGB", size, "red")], HALF).shape == (1, 3, 32, 32)

    def test_each_picture_is_as_if_alone(self) -> None:
        pictures = [noise(seed, (40 + 9 * seed, 50)) for seed in range(3)]
        together = eval_input(pictures, HALF)
        for picture, row in zip(pictures, together, strict=True):
            assert torch.equal(eval_input([picture], HALF)[0], row)

    def test_the_centre_is_cut_from_the_resized_picture(self) -> None:
        """A white frame a quarter wide disappears when the centre half is cut."""
        picture = Image.new("RGB", (128, 128), "white")
        picture.paste("black", (32, 32, 96, 96))
        whole = eval_input([picture], Preprocessing(image_size=64, resize=64))
        centre = eval_input([picture], Preprocessing(image_size=64, resize=128))
        assert whole.max() == 1
        assert centre.max() == -1

    def test_interpolation_is_the_one_asked_for(self) -> None:
        """Bicubic overshoots at an edge and is clipped there; bilinear does not."""
        picture = Image.new("RGB", (16, 16), (64, 64, 64))
        picture.paste((192, 192, 192), (8, 0, 16, 16))
        bicubic, bilinear = (
            eval_input([picture], Preprocessing(image_size=64, resize=64, interpolation=name))
            for name in ("bicubic", "bilinear")
        )
        assert bicubic.max() > bilinear.max()
        assert bilinear.max().item() == pytest.approx(192 / 127.5 - 1)

    def test_shrinking_does_not_alias(self) -> None:
        stripes = np.zeros((512, 512, 3), dtype=np.uint8)
        stripes[:, ::2] = 255
        shrunk = eval_input([Image.fromarray(stripes)], HALF)
        assert shrunk[..., 2:-2].abs().max() < 0.1


class TestResizeSquare:
    @pytest.mark.parametrize("size", [(60, 30), (30, 60)])
    def test_the_centre_is_kept(self, size: tuple[int, int]) -> None:
        picture = Image.new("RGB", size, "white")
        left, top = (size[0] - 30) // 2, (size[1] - 30) // 2
        picture.paste("black", (left, top, left + 30, top + 30))
        assert resize_square(picture, 30).max() == 0

    def test_type_and_size(self) -> None:
        resized = resize_square(noise(1, (77, 91)), 40)
        assert resized.shape == (3, 40, 40)
        assert resized.dtype == torch.uint8


def test_normalise_inverts() -> None:
    settings = Preprocessing(image_size=32, resize=32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (settings.mean, settings.std))
    assert torch.equal(((normalise(pixels, settings) * std + mean) * 255).round().to(torch.uint8), pixels)


class TestSettings:
    @pytest.mark.parametrize(
        "wrong",
        [{"image_size": 16}, {"resize": 2000}, {"interpolation": "nearest"}, {"mean": (0.5, 0.5)}, {"crop": 1}],
    )
    def test_wrong_ones_are_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Preprocessing(**{"image_size": 64, "resize": 64, **wrong})

    def test_the_centre_cannot_be_larger_than_the_whole(self) -> None:
        with pytest.raises(ValidationError, match="smaller than image_size"):
            Preprocessing(image_size=64, resize=63)


class TestTrainTransform:
    PICTURE = pixels_of(noise(3, (40, 40)))

    def transformed(self, augmentation: Augmentation, seed: int = 0) -> Tensor:
        torch.manual_seed(seed)
        changed: Tensor = train_transform(HALF, augmentation)(self.PICTURE)
        return changed

    def test_without_augmentation_it_only_resizes(self) -> None:
        plain = self.transformed(Augmentation())
        assert torch.equal(plain, self.transformed(Augmentation(), seed=1))
        resized = resize_square(Image.fromarray(self.PICTURE.permute(1, 2, 0).numpy()), 32, "bilinear")
        assert (plain.int() - resized.int()).abs().max() <= 2

    @pytest.mark.parametrize(
        "augmentation",
        [
            Augmentation(crop_scale=(0.3, 0.5)),
            Augmentation(crop_scale=(0.6, 0.6), crop_ratio=(0.5, 0.6)),
            Augmentation(flip=1.0),
            Augmentation(rotation=30.0),
            Augmentation(jitter=0.5),
            Augmentation(hue=0.4),
            Augmentation(trivial_augment=True),
            Augmentation(erasing=1.0),
        ],
    )
    def test_each_augmentation_changes_pictures_and_keeps_their_form(self, augmentation: Augmentation) -> None:
        plain = self.transformed(Augmentation())
        changed = [self.transformed(augmentation, seed) for seed in range(5)]
        assert all(picture.shape == (3, 32, 32) and picture.dtype == torch.uint8 for picture in changed)
        assert any(not torch.equal(picture, plain) for picture in changed)

    def test_a_seed_fixes_it(self) -> None:
        strong = Augmentation(crop_scale=(0.5, 1.0), flip=0.5, trivial_augment=True, erasing=0.5)
        assert torch.equal(self.transformed(strong, seed=4), self.transformed(strong, seed=4))

    def test_a_flip_is_a_mirror_image(self) -> None:
        assert torch.equal(self.transformed(Augmentation(flip=1.0)), self.transformed(Augmentation()).flip(-1))

    def test_erasing_fills_with_grey(self) -> None:
        plain, erased = self.transformed(Augmentation()), self.transformed(Augmentation(erasing=1.0))
        assert set(erased[plain != erased].tolist()) == {128}
