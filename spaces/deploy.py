"""Put one of the Spaces of this folder onto the Hub, in one commit, and wait until it runs.

    python spaces/deploy.py demo --space user/name --hardware zero-a10g
    python spaces/deploy.py demo --space user/name --from-hub characters=user/characters --update
    python spaces/deploy.py dashboard --space user/dashboard --records user/records
    python spaces/deploy.py demo --dry-run /tmp/demo

The token comes from ``hf auth login`` or HF_TOKEN. A Space that holds something already needs ``--update``; the same
command goes on where an upload broke. ``--secret NAME`` takes the value from the environment of this command.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# This is a script: the folder has no __init__.py, since a package "spaces" would hide the one of ZeroGPU.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from huggingface_hub import HfApi, SpaceRuntime, SpaceStage, constants
from staging import PLANS, read_front_matter, stage

from anime_models.errors import AnimeModelsError, ConfigError, HubError
from anime_models.hub import PUBLIC
from anime_models.hub_upload import create_repository, failures_in_words, push_folder, remote_state

CHECKPOINTS = ("detector", "characters", "emotions", "generator")
ZERO_GPU = "zero-"
FAILED = (SpaceStage.BUILD_ERROR, SpaceStage.RUNTIME_ERROR, SpaceStage.CONFIG_ERROR, SpaceStage.PAUSED)
TIMEOUT_SECONDS, POLL_SECONDS = 1800.0, 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    try:
        if options.dry_run is not None:
            stage_tree(options, options.dry_run)
            print(f"{options.name} is staged in {options.dry_run}; variables: {variables(options) or 'none'}")
        else:
            deploy(options)
    except AnimeModelsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def deploy(options: argparse.Namespace) -> None:
    """Stage, create, set, commit, ask for hardware, and wait."""
    if options.space is None:
        raise ConfigError("Name the Space with --space owner/name, or stage it with --dry-run FOLDER.")
    secrets = {name: secret(name) for name in options.secret}
    with tempfile.TemporaryDirectory(prefix="space-") as temporary:
        tree = Path(temporary)
        stage_tree(options, tree)
        sdk = str(read_front_matter(tree / "README.md")[0]["sdk"])
        open_space(options, sdk)
        configure(options.space, variables(options), secrets)
        message = f"Deploy {options.name}"
        published = push_folder(tree, options.space, repo_type="space", message=message, update=True, space_sdk=sdk)
    print(f"{published.url} is at commit {published.commit}")
    if options.hardware is not None:
        with failures_in_words(options.space, "The files are there, but the hardware is as it was."):
            HfApi().request_space_hardware(options.space, options.hardware)
    runtime = wait(options.space, published.commit, options.timeout, options.poll)
    print(f"{options.space} is {runtime.stage} on {runtime.hardware or runtime.requested_hardware}")


def stage_tree(options: argparse.Namespace, tree: Path) -> None:
    """Write the Space's tree."""
    repositories = dict(options.from_hub)
    if options.name != "demo" and repositories:
        raise ConfigError("--from-hub is for the demo, which needs models; leave it out.")
    used = sorted(set(repositories.values()))
    fields: dict[str, Any] = {"models": used, "preload_from_hub": used, "datasets": options.records}
    if options.hardware is not None:
        fields["suggested_hardware"] = options.hardware
        if options.hardware.startswith(ZERO_GPU) and options.name != "demo":
            raise ConfigError("ZeroGPU lends cards to Gradio Spaces only; choose another --hardware.")
    stage(options.name, tree, fields, tuple(repositories))


def variables(options: argparse.Namespace) -> dict[str, str]:
    """The Space's environment: where its models and records are, and who may name others."""
    found = {f"ANIME_MODELS_{name.upper()}": repo for name, repo in options.from_hub}
    if options.records:
        found["RECORDS"] = " ".join(f"hf-hub:{repo}" for repo in options.records)
    if options.private and options.name == "demo":
        found[PUBLIC] = "0"
    return found | dict(options.variable)


def open_space(options: argparse.Namespace, sdk: str) -> None:
    """Make the Space, or make sure that it may be changed."""
    state = remote_state(options.space, "space")
    if not state.exists:
        create_repository(options.space, "space", private=options.private, space_sdk=sdk)
    elif not (state.is_new or options.update):
        raise HubError(f"There is a Space {options.space} already. Add --update to change it, or choose another name.")


def configure(space: str, environment: dict[str, str], secrets: dict[str, str]) -> None:
    """Set variables and secrets, before the commit, so that the Space is built once."""
    api = HfApi()
    with failures_in_words(space, "Nothing was published."):
        for name, value in environment.items():
            api.add_space_variable(space, name, value)
        for name, value in secrets.items():
            api.add_space_secret(space, name, value)


def secret(name: str) -> str:
    """A secret's value, from the environment of this command."""
    value = os.environ.get(name)
    if not value:
        raise ConfigError(f"The environment has no {name}; set it to the secret's value before this command.")
    return value


def wait(space: str, commit: str, timeout: float, poll: float) -> SpaceRuntime:
    """Wait until a commit runs, and tell on the way what stage it is in.

    Raises:
        HubError: it does not build or run, or takes too long.
    """
    deadline, seen = time.monotonic() + timeout, ""
    page = f"{constants.ENDPOINT}/spaces/{space}"
    while True:
        with failures_in_words(space, f"The files are there; look at {page}."):
            runtime = HfApi().get_space_runtime(space)
        is_ours = runtime.raw.get("sha") in (None, commit)
        if is_ours and runtime.stage == SpaceStage.RUNNING:
            return runtime
        if is_ours and runtime.stage in FAILED:
            said = runtime.raw.get("errorMessage") or "no message"
            raise HubError(f"{space} is in the state {runtime.stage}: {said}. Look at {page}?logs=build.")
        if runtime.stage != seen:
            print(f"{space}: {runtime.stage}", flush=True)
            seen = runtime.stage
        if time.monotonic() > deadline:
            raise HubError(f"{space} is still {runtime.stage} after {timeout:g} seconds. Look at {page}?logs=build.")
        time.sleep(poll)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line's flags."""
    parser = argparse.ArgumentParser(prog="python spaces/deploy.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", choices=PLANS, help="which Space")
    parser.add_argument("--space", help="owner/name on the Hub")
    parser.add_argument("--dry-run", type=Path, metavar="FOLDER", help="only write the tree into this folder")
    parser.add_argument("--hardware", help="such as cpu-basic or zero-a10g; as it is if left out")
    parser.add_argument("--private", action="store_true", help="make a new Space private")
    parser.add_argument("--update", action="store_true", help="change a Space that holds something already")
    parser.add_argument("--variable", type=_pair, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--secret", action="append", default=[], metavar="NAME", help="value: from the environment")
    parser.add_argument(
        "--from-hub",
        type=_checkpoint,
        action="append",
        default=[],
        metavar="CHECKPOINT=OWNER/NAME",
        help=f"leave out an embedded checkpoint ({', '.join(CHECKPOINTS)}) and preload it from the Hub",
    )
    parser.add_argument(
        "--records", action="append", default=[], metavar="OWNER/NAME", help="records for the dashboard"
    )
    parser.add_argument("--timeout", type=float, default=TIMEOUT_SECONDS, help="seconds to wait for the build")
    parser.add_argument("--poll", type=float, default=POLL_SECONDS, help="seconds between looks at it")
    return parser.parse_args(arguments)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _checkpoint(text: str) -> tuple[str, str]:
    name, repo_id = _pair(text)
    if name not in CHECKPOINTS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(CHECKPOINTS)}")
    return name, repo_id


if __name__ == "__main__":
    sys.exit(main())
