"""The records of some folders as the pages' table."""

from pathlib import Path

import pandas as pd

from anime_models.record_store import EMBEDDED, RecordStore
from apps.dashboard.frame import records_frame

REPORTED = EMBEDDED / "records" / "reported"


def frame_of(*folders: Path) -> pd.DataFrame:
    return records_frame(RecordStore(folders).snapshot())
