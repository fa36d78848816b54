"""The pictures that predictions are about, where their data set is at hand."""

import io
from collections.abc import Iterable
from pathlib import Path

import streamlit as st
from PIL import Image

from anime_models.errors import DatasetError
from apps.dashboard.library import version
from apps.dashboard.settings import Settings

SIDE = 160  # of the thumbnails, in pixels
NO_DATA = (
    "Pictures are shown when their data set is at hand: start with `--data FOLDER`, the folder that holds the data "
    "sets (such as `../shared/data`)."
)


def pictures_of(ids: Iterable[str]) -> dict[str, bytes]:
    """Small pictures by id, as PNG; those that are not at hand are left out."""
    data = Settings.current().data
    if data is None:
        return {}
    found: dict[str, bytes] = {}
    for name in dict.fromkeys(_split_of(one) for one in ids):
        found |= _split(data, *name)
    return {one: found[original(one)] for one in ids if original(one) in found}


def original(picture_id: str) -> str:
    """The id without the corruptions that were applied to the picture."""
    return picture_id.partition("+")[0]


def _split_of(picture_id: str) -> tuple[str, str]:
    dataset, split, *_ = [*original(picture_id).split("/"), "", ""]
    return dataset, split


def _split(data: Path, dataset: str, split: str) -> dict[str, bytes]:
    folder = data if data.name == dataset else data / dataset
    path = folder / f"{split}.parquet"
    if not path.is_file():
        return {}
    try:
        return _thumbnails(path)
    except DatasetError as error:
        st.warning(str(error))
        return {}


@st.cache_data(show_spinner="Reading the pictures …", max_entries=6, hash_funcs={type(Path()): version})
def _thumbnails(path: Path) -> dict[str, bytes]:
    # Importing `datasets` takes seconds, which only this page needs.
    from anime_models.face_datasets import load_split

    pictures = load_split(path.parent, path.stem)
    return {name: _small(image) for name, image in zip(pictures.ids, pictures.images, strict=True)}


def _small(image: Image.Image) -> bytes:
    copy = image.copy()
    copy.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    copy.save(buffer, "PNG")
    return buffer.getvalue()
