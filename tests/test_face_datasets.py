"""Parquet splits come in as pictures and labels, or the file and the row that are wrong are named."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from PIL import Image

from anime_models.errors import DatasetError
from anime_models.face_datasets import concatenate, dataset_revision, load_split
from tests.parquet_files import png, write_split
from tests.small_models import noise

NAMES = ("Miku", "Rei", "Asuka")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_split(
        tmp_path / "faces" / "train.parquet",
        [noise(seed, (40, 40)) for seed in range(4)],
        labels=[1, 0, 1, 2],
        names=NAMES,
        series=["Evangelion", "Vocaloid", "Evangelion", None],
        source=["a", "b", None, "a"],
        group=["g1", "g2", None, "g1"],
    )
    return tmp_path / "faces"


class TestLoadSplit:
    def test_everything_there_is_to_know_is_read(self, folder: Path) -> None:
        faces = load_split(folder, "train")
        assert len(faces) == 4
        assert faces.labels.tolist() == [1, 0, 1, 2]
        assert faces.labels.dtype == np.int64
        assert faces.label_names == NAMES
        assert faces.details == ({"series": "Vocaloid"}, {"series": "Evangelion"}, {})
        assert faces.sources == ("a", "b", "", "a")
        assert [image.mode for image in faces.images] == ["RGB"] * 4
        assert all(image.tobytes() == noise(seed, (40, 40)).tobytes() for seed, image in enumerate(faces.images))

    def test_what_has_no_group_is_one_by_itself(self, folder: Path) -> None:
        groups = load_split(folder, "train").groups
        assert (groups[0], groups[1], groups[3]) == ("g1", "g2", "g1")
        assert groups[2] not in ("g1", "g2", "None", "")

    def test_ids_name_dataset_split_and_content(self, folder: Path) -> None:
        ids = load_split(folder, "train").ids
        assert all(name.startswith("faces/train/") for name in ids)
        assert len(set(ids)) == 4
        assert ids == load_split(folder, "train").ids

    def test_copies_stay_together_where_no_group_is_named(self, tmp_path: Path) -> None:
        write_split(tmp_path / "train.parquet", [noise(0), noise(1)])
        write_split(tmp_path / "test.parquet", [noise(1)])
        train, test = load_split(tmp_path, "train"), load_split(tmp_path, "test")
        assert train.groups[1] == test.groups[0] != train.groups[0]

    def test_pictures_are_made_upright_rgb(self, tmp_path: Path) -> None:
        write_split(
            tmp_path / "train.parquet", [Image.new("L", (20, 30), 7), Image.new("RGBA", (20, 30), (0, 0, 0, 0))]
        )
        grey, transparent = load_split(tmp_path, "train").images
        assert (grey.mode, grey.getpixel((0, 0))) == ("RGB", (7, 7, 7))
        assert transparent.getpixel((0, 0)) == (255, 255, 255)

    def test_without_labels(self, tmp_path: Path) -> None:
        write_split(tmp_path / "neutral_test.parquet", [noise(0)])
        faces = load_split(tmp_path, "neutral_test")
        assert faces.labels.tolist() == [-1]
        assert faces.label_names == ()
        assert faces.details == ()

    def test_a_missing_label_is_minus_one(self, tmp_path: Path) -> None:
        write_split(tmp_path / "train.parquet", [noise(0), noise(1)], labels=[None, 1], names=NAMES)
        assert load_split(tmp_path, "train").labels.tolist() == [-1, 1]

    def test_rows_are_kept_by_what_they_say_of_themselves(self, folder: Path) -> None:
        seen = []

        def from_a(row: dict[str, object]) -> bool:
            seen.append(set(row))
            return row["source"] == "a"

        faces = load_split(folder, "train", keep=from_a)
        assert faces.labels.tolist() == [1, 2]
        assert faces.images[1].tobytes() == noise(3, (40, 40)).tobytes()
        assert seen == [{"label", "series", "source", "group"}] * 4

    def test_keeping_nothing_is_an_empty_split(self, folder: Path) -> None:
        assert len(load_split(folder, "train", keep=lambda row: False)) == 0

    def test_the_file_is_what_datasets_reads(self, folder: Path, tmp_path: Path) -> None:
        rows = load_dataset("parquet", data_files=str(folder / "train.parquet"), cache_dir=str(tmp_path), split="train")
        assert rows.features["label"].names == list(NAMES)
        assert rows[0]["image"].size == (40, 40)

    def test_images_may_be_plain_bytes(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"image": [png(noise(0))]}), tmp_path / "train.parquet")
        assert load_split(tmp_path, "train").images[0].size == (64, 64)


class TestErrors:
    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"test\.parquet does not exist; a dataset folder holds train"):
            load_split(tmp_path, "test")

    @pytest.mark.parametrize("content", [b"", b"no parquet at all", b"PAR1"])
    def test_no_parquet(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "test.parquet").write_bytes(content)
        with pytest.raises(DatasetError, match=r"test\.parquet cannot be read as Parquet"):
            load_split(tmp_path, "test")

    def test_cut_off(self, folder: Path) -> None:
        content = (folder / "train.parquet").read_bytes()
        (folder / "train.parquet").write_bytes(content[: len(content) // 2])
        with pytest.raises(DatasetError, match=r"train\.parquet cannot be read as Parquet"):
            load_split(folder, "train")

    def test_no_images(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"picture": [b""], "label": [0]}), tmp_path / "train.parquet")
        with pytest.raises(DatasetError, match=r"no column 'image'; it has picture, label"):
            load_split(tmp_path, "train")

    def test_a_row_without_bytes(self, tmp_path: Path) -> None:
        write_split(tmp_path / "train.parquet", [noise(0), None])
        with pytest.raises(DatasetError, match=r"train\.parquet: row 1 holds no image bytes"):
            load_split(tmp_path, "train")

    def test_a_row_that_is_no_picture(self, tmp_path: Path) -> None:
        write_split(tmp_path / "train.parquet", [noise(0), noise(1), b"some text"])
        with pytest.raises(DatasetError, match=r"train\.parquet: the image of row 2: "):
            load_split(tmp_path, "train")


class TestFaceDataset:
    def test_select(self, folder: Path) -> None:
        faces = load_split(folder, "train")
        some = faces.select(np.array([3, 0]))
        assert some.labels.tolist() == [2, 1]
        assert some.ids == (faces.ids[3], faces.ids[0])
        assert some.groups == ("g1", "g1")
        assert some.sources == ("a", "a")
        assert some.images == (faces.images[3], faces.images[0])
        assert (some.label_names, some.details) == (faces.label_names, faces.details)

    def test_concatenate(self, folder: Path) -> None:
        faces = load_split(folder, "train")
        both = concatenate([faces.select(np.array([2, 3])), faces.select(np.array([0]))])
        assert both.labels.tolist() == [1, 2, 1]
        assert both.ids == (faces.ids[2], faces.ids[3], faces.ids[0])
        assert both.label_names == NAMES


class TestRevision:
    def test_it_changes_with_any_file(self, folder: Path) -> None:
        first = dataset_revision(folder)
        assert first.startswith("sha256:")
        assert dataset_revision(folder) == first
        (folder / "train.parquet").rename(folder / "validation.parquet")
        second = dataset_revision(folder)
        write_split(folder / "test.parquet", [noise(0)])
        assert len({first, second, dataset_revision(folder)}) == 3

    def test_other_files_do_not_matter(self, folder: Path) -> None:
        first = dataset_revision(folder)
        (folder / "README.md").write_text("A card.")
        assert dataset_revision(folder) == first

    def test_an_empty_folder_has_none(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="holds no Parquet file"):
            dataset_revision(tmp_path)
