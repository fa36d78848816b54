"""The demo with stand-ins for its models, served once for all tests of its interfaces."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.serving import served
from tests.small_generators import small_generator


@pytest.fixture(scope="session")
def generator_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoint folder of a small generator with random weights. Not to be written to."""
    return small_generator(tmp_path_factory.mktemp("generators") / "small")


@pytest.fixture(scope="session")
def fake_demo(generator_folder: Path) -> Iterator[str]:
    """Address of the demo with stand-ins for the models and a small generator."""
    with served("tests.apps.serve_fakes", "--generator", str(generator_folder)) as address:
        yield address
