"""Records for the dashboard's tests, as tables and as folders."""

from pathlib import Path

import pandas as pd
import pytest

from anime_models.record_store import EMBEDDED
from anime_models.records import RunRecord
from tests.apps.dashboard.frames import frame_of
from tests.small_records import (
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


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders of both studies of classifiers, of generators, and of a run that goes on. Not to be written to."""
    folder = tmp_path_factory.mktemp("many") / "runs"
    for record in study_records(2):
        write_run(folder, record)
    for record in character_records():
        write_run(folder, record, CHARACTERS)
    for rate in (1e-4, 5e-4, 5e-3):
        write_generator_run(folder, generator_record(learning_rate=rate))
    write_run(folder, classifier_record("resnet18", "full", 99, status="running"))
    return folder


@pytest.fixture(scope="session")
def table(runs: Path) -> pd.DataFrame:
    """The shipped records and those of `runs`."""
    return frame_of(EMBEDDED, runs)
