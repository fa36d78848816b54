"""The demo with stand-ins for its models, asked as a program asks it."""

from collections.abc import Iterator

import pytest
from gradio_client import Client


@pytest.fixture(scope="module")
def client(fake_demo: str) -> Iterator[Client]:
    client = Client(fake_demo, verbose=False, analytics_enabled=False)
    yield client
    client.close()
