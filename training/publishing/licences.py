"""May a data set be given away? Only when its card says so, and nothing in it says otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from anime_models.errors import DatasetError
from training.publishing.staging import CARD

# The Hub's names of licences that allow everybody to pass the data on.
OPEN = (
    "apache-2.0",
    "cc-by-4.0",
    "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0",
    "cc-by-sa-4.0",
    "cc0-1.0",
    "cdla-permissive-2.0",
    "mit",
    "odbl",
    "odc-by",
    "pddl",
)
_FORBIDDING = (
    "do not redistribute",
    "inside this project only",
    "may not be redistributed",
    "must not be redistributed",
    "no redistribution",
    "not for redistribution",
    "not redistributable",
    "not to be redistributed",
    "redistribution is not",
)
_FRONT_MATTER = re.compile(r"^---\n(.*?\n)---\n", re.DOTALL)


def read_card(folder: Path) -> tuple[dict[str, Any], str]:
    """Front matter and body of a data set's card.

    Raises:
        DatasetError: there is no card, or its front matter is no YAML.
    """
    path = folder / CARD
    if not path.is_file():
        raise DatasetError(f"{path} does not exist; write a card that says what the pictures are and who may use them.")
    text = path.read_text("utf-8")
    found = _FRONT_MATTER.match(text)
    try:
        fields = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError as error:
        raise DatasetError(
            f"{path}: the front matter is no YAML ({str(error).splitlines()[0]}); correct it."
        ) from error
    return (fields if isinstance(fields, dict) else {}), text[found.end() :] if found else text


def check_redistributable(folder: Path) -> None:
    """Refuse a data set that must not be given away.

    Raises:
        DatasetError: its card is missing, forbids it, or names no licence that allows it.
    """
    fields, body = read_card(folder)
    words = " ".join(re.sub(r"[*_`>#|]", " ", f"{yaml.safe_dump(fields)} {body}").lower().split())
    for phrase in _FORBIDDING:
        if phrase in words:
            raise DatasetError(
                f"{folder / CARD} says “{phrase}”: this data set is not published, whatever else is said. Publish data "
                "that its card allows to be given away, such as that of anime_models.drawn_faces."
            )
    licence = fields.get("license")
    if licence not in OPEN:
        raise DatasetError(
            f"{folder / CARD} names {'no licence' if licence is None else f'the licence {licence!r}'} in its front "
            f"matter. Only data whose licence lets everybody pass it on is published: {', '.join(OPEN)}."
        )
