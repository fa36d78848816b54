"""Write the cards of the shipped models anew from their records: ``python -m training.publishing.shipped_cards``."""

from __future__ import annotations

import sys
from pathlib import Path

from training.publishing.model_stage import card_of
from training.publishing.staging import CARD

EMBEDDED = Path(__file__).parent.parent.parent / "anime_models" / "embedded"
CONFIG = "config.json"


def main() -> int:
    """Rewrite the card of every shipped model; returns the exit status."""
    for folder in shipped_models():
        temporary = folder / "card.tmp"
        temporary.write_text(card_of(folder), "utf-8")
        temporary.replace(folder / CARD)
    return 0


def shipped_models() -> list[Path]:
    """The checkpoint folders that ship with the package."""
    return sorted(path.parent for path in EMBEDDED.glob(f"*/{CONFIG}"))


if __name__ == "__main__":
    sys.exit(main())
