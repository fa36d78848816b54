"""Start each staged Space in a fresh virtual environment: ``python -m tests.fresh_spaces [--python PYTHON] [NAME …]``.

What `tests/test_staged_spaces.py` checks with links to what is installed here, with the exact versions that the Hub
will install: minutes and gigabytes for the demo (PyTorch), so it is no part of the usual tests. ``make test-spaces``
runs it. The packages come from the network; the started Spaces see no other machine than this one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from anime_models.records import write_record
from tests.ask_spaces import ask_dashboard, ask_demo
from tests.hub_server import HubServer
from tests.small_generators import small_generator
from tests.small_models import write_checkpoint
from tests.small_records import classifier_record
from tests.staged_spaces import running, stage

NAMES = ("demo", "dashboard")


def main() -> int:
    """Stage, install, start and ask; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fresh_spaces", description="Spaces in fresh environments.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(NAMES)}")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to make the environments from")
    options = parser.parse_args()
    for name in options.names or NAMES:
        # Not in a test's temporary folder: an environment of the demo can be larger than that.
        with tempfile.TemporaryDirectory(prefix=f"fresh-{name}-") as temporary:
            check(name, Path(temporary), options.python)
        print(f"{name}: started in a fresh environment and answered", flush=True)
    return 0


def check(name: str, folder: Path, interpreter: str) -> None:
    """Install what a Space requires, start it and ask it."""
    tree = stage(name, folder / "tree")
    environment = folder / "environment"
    subprocess.run([interpreter, "-m", "venv", str(environment)], check=True)
    python = str(environment / "bin" / "python")
    # As on the Hub; what is downloaded is not kept.
    install = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "-r", str(tree / "requirements.txt")]
    subprocess.run(install, check=True)
    subprocess.run([python, "-m", "pip", "check"], check=True)
    home = folder / "home"
    home.mkdir()
    with HubServer(folder / "hub") as hub:
        hub.add("rin/emotions", write_checkpoint(folder / "emotions"))
        hub.add("rin/dcgan", small_generator(folder / "dcgan", novelty=False))
        record = classifier_record("mobilenet_v2", study=None)
        write_record(record, folder / "records" / "runs" / record.run_id / "record.json")
        hub.add("datasets/rin/records", folder / "records")
        settings = {"HF_ENDPOINT": hub.url, "RECORDS": "hf-hub:rin/records"}
        with running(tree, (python,), settings, home) as address:
            if name == "demo":
                ask_demo(address, home, "rin/emotions", "rin/dcgan")
            else:
                ask_dashboard(address, "Which model should I use")


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.exit(main())
