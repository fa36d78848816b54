"""What the dashboard was started with; it reaches the pages through the environment, as Streamlit runs them itself."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

VARIABLE = "ANIME_MODELS_DASHBOARD"


class Settings(BaseModel):
    """Where records and pictures come from.

    Attributes:
        sources: folders, or data sets on the Hub as `anime_models.hub` writes them, besides the shipped records.
        data: folder with data sets, from which the pictures on the page of mistakes are read.
        shipped: whether the records of the package are shown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[str, ...] = ("runs",)
    data: Path | None = None
    shipped: bool = True

    def store(self) -> None:
        """Leave the settings for the pages of this process."""
        os.environ[VARIABLE] = self.model_dump_json()

    @classmethod
    def current(cls) -> "Settings":
        """The settings of this process; the shipped records and ``runs/`` where nobody stored any."""
        stored = os.environ.get(VARIABLE)
        return cls.model_validate_json(stored) if stored else cls()
