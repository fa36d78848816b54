"""Publish a model, a data set or run records on the Hugging Face Hub, as one commit; without ``--yes`` only show it.

    python -m training.publish model runs/RUN --repo user/faces --yes
    python -m training.publish dataset FOLDER --repo user/drawn-faces
    python -m training.publish records runs anime_models/embedded/records --repo user/records --update --yes

A model is loaded once before it goes; its card is written anew from its record. A data set goes only when its card
names a licence that lets everybody pass it on. A repository that holds something needs ``--update``. An upload that
broke goes on where it stopped when the same command is given again. The token comes from ``hf auth login`` or HF_TOKEN.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from anime_models.errors import ConfigError, HubError
from anime_models.hub import local_folder
from anime_models.hub_upload import RemoteState, UploadType, push_folder, remote_state
from training.common.cards import CardPlace
from training.common.commands import exit_status
from training.publishing.dataset_stage import stage_dataset
from training.publishing.licences import OPEN
from training.publishing.model_stage import stage_model
from training.publishing.record_stage import stage_records
from training.publishing.staging import Stage, describe

REPO_TYPES: dict[str, UploadType] = {"model": "model", "dataset": "dataset", "records": "dataset"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="publish-") as temporary:
        return exit_status(lambda: publish(options, options.stage or Path(temporary)))


def publish(options: argparse.Namespace, staged: Path) -> None:
    """Stage, show, and with ``--yes`` push."""
    if staged.exists() and any(staged.iterdir()):
        raise ConfigError(f"{staged} holds files already; name an empty folder or none for --stage.")
    staged.mkdir(parents=True, exist_ok=True)
    state = look(options)
    stage = staged_for(options, staged, state)
    print(describe(stage, options.repo, state))
    if not options.yes:
        print("\nNothing has left this machine: this was a dry run. Add --yes to publish.")
        return
    published = push_folder(
        stage.folder,
        options.repo,
        repo_type=stage.repo_type,
        message=stage.message,
        update=options.update,
        private=options.private,
        parent=options.parent or (state.parent if state else None),
    )
    print(f"\nPublished: {published.url}, commit {published.commit}")


def look(options: argparse.Namespace) -> RemoteState | None:
    """What the repository holds; None when a dry run cannot ask."""
    try:
        return remote_state(options.repo, REPO_TYPES[options.kind])
    except HubError as error:
        if options.yes:
            raise
        print(f"The Hub was not asked: {error}", file=sys.stderr)
        return None


def staged_for(options: argparse.Namespace, staged: Path, state: RemoteState | None) -> Stage:
    """Fill the staged folder."""
    if options.kind == "model":
        place = CardPlace(options.repo, options.dataset, options.base_model, options.license)
        return stage_model(_one(options.folders), staged, place)
    if options.kind == "dataset":
        return stage_dataset(_one(options.folders), staged)
    published = state is not None and not state.is_new
    source = f"hf-hub:{options.repo}@{state.parent}" if state and published else None
    return stage_records(options.folders, staged, local_folder(source, repo_type="dataset") if source else None)


def _one(folders: list[Path]) -> Path:
    if len(folders) != 1:
        raise ConfigError("Name one folder; only records are published from several at once.")
    return folders[0]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line's flags."""
    parser = argparse.ArgumentParser(prog="python -m training.publish", description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=REPO_TYPES, help="what the folder holds")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="checkpoint, run, data set or records")
    parser.add_argument("--repo", required=True, help="owner/name on the Hub")
    parser.add_argument("--yes", action="store_true", help="publish; without it everything is only shown")
    parser.add_argument("--update", action="store_true", help="change a repository that holds something already")
    parser.add_argument("--private", action="store_true", help="make a new repository private")
    parser.add_argument("--parent", help="the commit that this change was prepared for; another one there is an error")
    parser.add_argument("--stage", type=Path, help="keep the staged files in this folder")
    parser.add_argument("--dataset", help="model: the data set's repository on the Hub")
    parser.add_argument("--base-model", help="model: the repository of the model that the weights started from")
    parser.add_argument("--license", default="apache-2.0", choices=OPEN, help="model: the weights' licence")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
