"""The internet-like test: every picture changed, by its id alone, and nothing else about it."""

import numpy as np
import pytest
from PIL import Image

from anime_models.drawn_faces import draw_face
from anime_models.face_datasets import FaceDataset
from training.classification.corruptions import KINDS, corrupted, internet_like, kinds_of
from training.classification.overlays import OVERLAYS, overlaid

NAMES = tuple(f"drawn/test/{number}" for number in range(24))
SIZES = ((64, 64), (96, 96), (160, 160), (120, 90))


@pytest.fixture(scope="module")
def faces() -> FaceDataset:
    images = [draw_face(identity=number, size=160, seed=number) for number in range(len(NAMES))]
    return FaceDataset(
        images=tuple(image.resize(SIZES[number % len(SIZES)]) for number, image in enumerate(images)),
        labels=np.arange(len(NAMES)) % 3,
        label_names=("a", "b", "c"),
        ids=NAMES,
        groups=tuple(f"group-{number}" for number in range(len(NAMES))),
        sources=("drawn",) * len(NAMES),
        details=({"series": "x"}, {}, {}),
    )


def content(data: FaceDataset) -> list[bytes]:
    return [image.tobytes() for image in data.images]


def difference(first: Image.Image, second: Image.Image) -> float:
    """Mean absolute difference of the pixels, in [0, 255]."""
    return float(np.abs(np.asarray(first, dtype=float) - np.asarray(second, dtype=float)).mean())


class TestInternetLike:
    def test_it_is_the_same_every_time(self, faces: FaceDataset) -> None:
        assert content(internet_like(faces)) == content(internet_like(faces))

    def test_another_seed_is_another_test(self, faces: FaceDataset) -> None:
        pairs = zip(content(internet_like(faces)), content(internet_like(faces, seed=1)), strict=True)
        assert sum(first != second for first, second in pairs) == len(faces)

    def test_order_and_company_do_not_matter(self, faces: FaceDataset) -> None:
        rows = np.array([17, 3, 8])
        together = internet_like(faces).select(rows)
        alone = internet_like(faces.select(rows))
        assert content(alone) == content(together)
        assert alone.ids == together.ids

    def test_no_picture_stays_as_it_was_and_every_size_does(self, faces: FaceDataset) -> None:
        after = internet_like(faces)
        for old, new in zip(faces.images, after.images, strict=True):
            assert difference(old, new) > 1
            assert (new.size, new.mode) == (old.size, "RGB")

    def test_what_is_known_of_a_picture_stays(self, faces: FaceDataset) -> None:
        after = internet_like(faces)
        assert (after.labels == faces.labels).all()
        assert (after.label_names, after.groups, after.sources, after.details) == (
            faces.label_names,
            faces.groups,
            faces.sources,
            faces.details,
        )

    def test_ids_tell_what_was_done(self, faces: FaceDataset) -> None:
        for old, new in zip(faces.ids, internet_like(faces).ids, strict=True):
            name, *kinds = new.split("+")
            assert name == old
            assert tuple(kinds) == kinds_of(old)

    def test_the_given_pictures_are_left_alone(self, faces: FaceDataset) -> None:
        before = content(faces)
        internet_like(faces)
        assert content(faces) == before


class TestKinds:
    def test_two_or_three_for_every_picture_and_each_as_often(self) -> None:
        drawn = [kinds_of(f"picture-{number}") for number in range(600)]
        assert {len(kinds) for kinds in drawn} == {2, 3}
        assert all(len(set(kinds)) == len(kinds) for kinds in drawn)
        for kind in KINDS:
            assert np.mean([kind in kinds for kinds in drawn]) == pytest.approx(0.5, abs=0.07)

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("size", [(33, 33), (64, 64), (160, 120), (500, 700)])
    def test_each_changes_a_picture_of_any_size(self, kind: str, size: tuple[int, int]) -> None:
        face = draw_face(identity=1).resize(size)
        for seed in range(4):
            changed = KINDS[kind](face, np.random.default_rng(seed))
            assert (changed.size, changed.mode) == (size, "RGB")
            assert difference(face, changed) > 0.1

    def test_a_crop_moves_the_middle(self) -> None:
        """By 6 to 20% of the side, whatever the scale: a white dot in the middle is found there afterwards."""
        picture = Image.new("RGB", (200, 200), (90, 90, 90))
        picture.paste((255, 0, 0), (97, 97, 103, 103))
        for seed in range(20):
            moved = np.asarray(KINDS["crop"](picture, np.random.default_rng(seed))).astype(int)
            rows, columns = np.nonzero(moved[..., 0] - moved[..., 1] > 80)
            shift = np.abs([rows.mean() - 99.5, columns.mean() - 99.5]).max() / 200
            assert 0.06 / 1.1 - 0.01 < shift < 0.2 / 0.8 + 0.01

    def test_colours_change_and_shapes_do_not(self) -> None:
        picture = Image.new("RGB", (64, 64), (120, 120, 120))
        picture.paste((200, 120, 60), (16, 16, 48, 48))
        for seed in range(8):
            changed = np.asarray(KINDS["colour"](picture, np.random.default_rng(seed)))
            assert len(np.unique(changed.reshape(-1, 3), axis=0)) == 2

    def test_blur_leaves_flat_areas_and_softens_edges(self) -> None:
        picture = Image.new("RGB", (120, 120), "white")
        picture.paste("black", (0, 0, 60, 120))
        picture.paste("black", (60, 0, 120, 60))
        for seed in range(8):
            blurred = np.asarray(KINDS["blur"](picture, np.random.default_rng(seed)))
            assert (blurred[-10:, -10:] == 255).all()
            assert (blurred[:10] == 0).all()
            assert ((blurred > 0) & (blurred < 255)).any()

    def test_every_overlay_is_drawn(self) -> None:
        """On grey, each leaves some pixels and changes others; 60 draws make that many pictures of every overlay."""
        grey = Image.new("RGB", (128, 128), (128, 128, 128))
        changed = [np.asarray(overlaid(grey, np.random.default_rng(seed))) != 128 for seed in range(60)]
        shares = np.array([pixels.any(axis=-1).mean() for pixels in changed])
        assert (shares > 0.01).all()
        assert (shares < 0.3).all()
        assert len(OVERLAYS) == 4
        bars = sum(bool(pixels[[0, -1]].any(axis=-1).all(axis=-1).any()) for pixels in changed)
        middles = sum(bool(pixels[60:68, 60:68].all()) for pixels in changed)
        assert bars > 5
        assert middles > 5


def test_one_picture_at_a_time(faces: FaceDataset) -> None:
    assert corrupted(faces.images[5], NAMES[5]).tobytes() == content(internet_like(faces))[5]
