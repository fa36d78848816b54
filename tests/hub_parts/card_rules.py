"""What the Hub refuses or complains of in the front matter of a card (hub documentation of August 2026, in part)."""

from __future__ import annotations

from typing import Any

import yaml

from tests.hub_parts.reading import front_matter

COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
SDKS = {"gradio", "docker", "static"}
LICENCES = {"apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "openrail", "unknown", "other"}
LONGEST_DESCRIPTION = 60
LISTS = ("tags", "models", "datasets", "preload_from_hub", "metrics")


def problems_of_card(content: str, repo_type: str) -> tuple[list[str], list[str]]:
    """Errors and warnings."""
    try:
        fields = front_matter(content)
    except yaml.YAMLError as error:
        return [f"the front matter is no YAML: {error}"], []
    if fields is None:
        return [], ["empty or missing yaml metadata in repo card"]
    errors = [f'"{name}" must be an array' for name in LISTS if not isinstance(fields.get(name, []), list)]
    if fields.get("license", "apache-2.0") not in LICENCES:
        errors.append(f'"license" must be one of {sorted(LICENCES)}')
    if repo_type == "space":
        errors += _space_errors(fields)
    if repo_type == "model":
        errors += [f'"model-index": {text}' for text in _index_errors(fields.get("model-index", []))]
    return errors, []


def _space_errors(fields: dict[str, Any]) -> list[str]:
    errors = [
        f'"{name}" must be one of {sorted(COLOURS)}'
        for name in ("colorFrom", "colorTo")
        if fields.get(name) not in COLOURS
    ]
    if fields.get("sdk") not in SDKS:
        errors.append(f'"sdk" must be one of {sorted(SDKS)}')
    if len(fields.get("short_description", "")) > LONGEST_DESCRIPTION:
        errors.append(f'"short_description" must have at most {LONGEST_DESCRIPTION} characters')
    if not isinstance(fields.get("python_version", ""), str):
        errors.append('"python_version" must be a string')
    return errors


def _index_errors(entries: list[dict[str, Any]]) -> list[str]:
    errors = []
    for entry in entries:
        for result in entry.get("results", []):
            if not result.get("task", {}).get("type"):
                errors.append("task.type is required")
            if not {"name", "type"} <= set(result.get("dataset", {})):
                errors.append("dataset.name and dataset.type are required")
            if not result.get("metrics"):
                errors.append("metrics must not be empty")
            errors += [
                "a metric needs type and value" for m in result.get("metrics", []) if not {"type", "value"} <= set(m)
            ]
    return errors
