"""What tests of pages look at: everything that a page says, and what its figures hold."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from tests.small_records import classifier_record

Open = Callable[..., AppTest]
RUN = classifier_record("resnet18", "full", 42).run_id
OTHER = classifier_record("vit_base_16", "progressive", 42).run_id


def texts(page: AppTest) -> str:
    """Everything that a page says in words."""
    parts = (*page.title, *page.header, *page.subheader, *page.markdown, *page.caption, *page.info, *page.warning)
    return "\n".join(str(part.value) for part in parts)


def places(trace: dict[str, Any]) -> list[float]:
    """Where the points of a line stand, as the browser gets them."""
    packed = trace["x"]
    return list(np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"]))
