"""What can go wrong on the way to the Hub, told apart and put into words."""

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetDownloadError,
)

# The Hub answered, and the answer is no.
REFUSALS = (RepositoryNotFoundError, RevisionNotFoundError, RemoteEntryNotFoundError)
# The Hub or the way to it is down, or what answers is no Hub (a login page of a network).
FAILURES = (httpx2.HTTPError, EntryNotFoundError, XetDownloadError, OSError, ValueError)

AGAIN = "Run the same command again later: what has been uploaded is not sent a second time."
SIGN_IN = "Log in with `hf auth login`, or set HF_TOKEN to a token that may write"

_BY_STATUS = {
    401: f"The Hub does not accept the token (status 401). {SIGN_IN}.",
    403: "The token may not write to {repo_id} (status 403). Use a token with write access to it, or another owner.",
    409: "{repo_id} is taken, or somebody is changing it (status 409). Look at its page, or choose another name.",
    412: "{repo_id} has changed since it was looked at (status 412). Look at the new commit, then try again.",
    413: "The Hub refuses so large a request (status 413). Publish fewer or smaller files.",
    429: f"The Hub asks to wait, there were too many requests (status 429). {AGAIN}",
}


def failure_reason(error: BaseException) -> str:
    """Why the Hub could not be used, as a part of a sentence."""
    if isinstance(error, LocalEntryNotFoundError) and error.__cause__ is not None:
        return failure_reason(error.__cause__)
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, httpx2.TimeoutException):
        return f"no answer within {constants.HF_HUB_ETAG_TIMEOUT} seconds"
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return f"it answered with status {status}" + (" (check HF_TOKEN)" if status in (401, 403) else "")
    if isinstance(error, ValueError):
        return f"what answers at {constants.ENDPOINT} is no Hub (a network's login page?)"
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def upload_problem(error: BaseException, repo_id: str) -> str:
    """Why nothing was published and what to do next, in whole sentences."""
    if isinstance(error, RuntimeError) and error.__cause__ is not None:  # one of several uploads
        return upload_problem(error.__cause__, repo_id)
    if isinstance(error, LocalTokenNotFoundError):
        return f"There is no token of the Hub on this machine. {SIGN_IN}."
    if isinstance(error, RepositoryNotFoundError):
        return f"{repo_id} does not exist on the Hub, or the token may not see it. {SIGN_IN}."
    if isinstance(error, HfHubHTTPError):
        return _refused_upload(error, repo_id)
    if isinstance(error, ValueError) and "metadata in README.md" in str(error):
        return (
            f"The Hub does not accept the card: {' '.join(str(error).split())} Correct the front matter of README.md."
        )
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be read ({error.strerror}). Look at the file."
    return f"The Hub could not be reached: {failure_reason(error)}. {AGAIN}"


def _refused_upload(error: HfHubHTTPError, repo_id: str) -> str:
    status = error.response.status_code
    if status in _BY_STATUS:
        return _BY_STATUS[status].format(repo_id=repo_id)
    if status >= 500:
        return f"The Hub is ill (status {status}). {AGAIN}"
    said = (error.server_message or "").strip().partition("\n")[0].rstrip(".")
    return f"The Hub refused the upload with status {status}{': ' + said if said else ''}. Change what it complains of."
