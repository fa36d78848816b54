"""Parts of the stand-in Hub, `tests/hub_server.py`."""
