"""What endpoints for programs share: how they are added, and checks of what is sent, which can be anything in JSON."""

from math import isfinite
from typing import Any

import gradio as gr

from anime_models.errors import ConfigError
from apps.demo.models import known_sources


def add_endpoint(call: Any, inputs: list[Any], outputs: Any, concurrency_id: str | None) -> None:
    """Add an endpoint, named as its function, to the page that is being built; nothing of it shows there.

    Args:
        call: what answers.
        inputs: fields that say what can be sent.
        outputs: fields that say what is answered.
        concurrency_id: calls with the same one take turns in the queue. None: calls do not wait, so that `call` has to
            see to turns itself. Only so do several outputs reach MCP clients one by one, and pictures as pictures.
    """
    # An event that nothing on the page triggers: called by name alone.
    trigger = gr.Button(visible=False)
    turns: dict[str, Any] = {"queue": False} if concurrency_id is None else {"concurrency_id": concurrency_id}
    trigger.click(call, inputs, outputs, preprocess=False, api_name=call.__name__, **turns)


def sent_source(name: str, value: object) -> str:
    """Where a model comes from.

    Raises:
        ConfigError: it is no text.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{name} is {value!r}; give a text: {known_sources()}.")
    return value


def sent_number(name: str, value: object, low: float, high: float) -> float | None:
    """A number in [low, high], or None where none was sent.

    Raises:
        ConfigError: it is neither.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        reach = f"from {low:g} to {high:g}" if isfinite(high) else f"of {low:g} or more"
        raise ConfigError(f"{name} is {value!r}; give a number {reach}, or null.")
    return float(value)
