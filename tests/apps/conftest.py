"""The demo with stand-ins for its models, served once for all tests of its interfaces."""

from collections.abc import Iterator

import pytest

from tests.apps.serving import served


@pytest.fixture(scope="session")
def fake_demo() -> Iterator[str]:
    """Address of the demo with stand-ins for the models."""
    with served("tests.apps.serve_fakes") as address:
        yield address
