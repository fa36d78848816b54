"""Records for the dashboard's tests, as tables and as folders."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from anime_models.records import RunRecord, write_record
from apps.dashboard.__main__ import PAGE
from apps.dashboard.settings import VARIABLE, Settings
from tests.apps.dashboard.frames import REPORTED, frame_of
from tests.apps.dashboard.page_parts import Open
from tests.small_records import (
    augmentation_record,
    classifier_record,
    generator_record,
    study_records,
    write_generator_run,
    write_run,
)

CHARACTERS = ("Aqua", "Emilia", "Megumin", "Ram")


def character_records() -> list[RunRecord]:
    """The study of characters: three backbones, two heads, two seeds, and an internet-like test."""
    return [
        classifier_record(
            backbone,
            "linear_probe",
            seed,
            task="character",
            study="characters",
            head=head,
            classes=CHARACTERS,
            splits=("test", "internet"),
        )
        for backbone in ("mobilenet_v2", "resnet50_v2", "xception")
        for head in ("plain", "dropout")
        for seed in (42, 43)
    ]


def augmentation_records() -> list[RunRecord]:
    """The study of augmentations: three methods on all pictures and on half of them, one in two shares."""
    return [
        *(augmentation_record("none", count, accuracy) for count, accuracy in ((80, 0.7), (160, 0.8))),
        *(augmentation_record("cutout", count, accuracy) for count, accuracy in ((80, 0.74), (160, 0.82))),
        *(augmentation_record("dcgan", count, accuracy, 1.0) for count, accuracy in ((80, 0.78), (160, 0.84))),
        augmentation_record("dcgan", 160, 0.75, 4.0),
    ]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of all studies and one that goes on, and the records of the papers. Not to be written to."""
    folder = tmp_path_factory.mktemp("many") / "runs"
    shutil.copytree(REPORTED, folder / "records")
    for record in study_records(2):
        write_run(folder, record)
    for record in character_records():
        write_run(folder, record, CHARACTERS)
    for rate in (1e-4, 5e-4, 5e-3):
        write_generator_run(folder, generator_record(learning_rate=rate))
    for record in augmentation_records():
        write_record(record, folder / record.run_id / "record.json")
    write_run(folder, classifier_record("resnet18", "full", 99, status="running"))
    return folder


@pytest.fixture(scope="session")
def table(runs: Path) -> pd.DataFrame:
    """The records of `runs`."""
    return frame_of(runs)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a page as it stands at an address, with records of a folder; nothing may go wrong.

    No test sees what another one has read.
    """

    def open_page(
        name: str, *sources: Path, shipped: bool = False, data: Path | None = None, **query: object
    ) -> AppTest:
        settings = Settings(sources=tuple(map(str, sources)), shipped=shipped, data=data)
        monkeypatch.setenv(VARIABLE, settings.model_dump_json())
        page = AppTest.from_file(PAGE, default_timeout=280)
        page.query_params |= query
        page.switch_page(f"views/{name}.py").run()
        assert not page.exception
        return page

    _forget()
    yield open_page
    _forget()


def _forget() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()
