"""Errors as messages on the page or to a caller, never as tracebacks."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from anime_models.errors import AnimeModelsError


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn this package's errors into Gradio's, which shows their text and logs nothing."""
    try:
        yield
    except AnimeModelsError as error:
        raise gr.Error(str(error), print_exception=False) from error
