"""Write the cards of the shipped models anew from their records: ``python -m training.publishing.shipped_cards``."""

from __future__ import annotations

import sys
from pathlib import Path

from training.publishing.model_stage import renew_card

EMBEDDED = Path(__file__).parent.parent.parent / "anime_models" / "embedded"
CONFIG = "config.json"


def main() -> int:
    """Rewrite the card of every shipped model; returns the exit status."""
    for folder in shipped_models():
        renew_card(folder)
    return 0


def shipped_models() -> list[Path]:
    """The checkpoint folders that ship with the package."""
    return sorted(path.parent for path in EMBEDDED.glob(f"*/{CONFIG}"))


if __name__ == "__main__":
    sys.exit(main())
