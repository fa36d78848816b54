"""The browser demo: who is drawn here, and what does the face express? Start it with ``python -m apps.demo``."""
