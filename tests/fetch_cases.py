"""How the tests of the fetcher ask: without a gap, and in little time, unless told otherwise."""

from typing import Any

from clampdown.proofs.webserver import Reply
from pipeline.errors import (
    FetchError,
)
from pipeline.fetch import fetch_all
from pipeline.settings import FetchSettings
from pipeline.types import FetchRequest, Response

# A busy machine stamps a request late; how exact gaps are is proved on a clock of its own in test_fetch_turns.
SHARE = 0.2
LONG = 60.0
"""Seconds: far less than what is cut off here would take, and what a busy machine may need."""

HOSTS = tuple(f"127.0.0.{number}" for number in range(1, 9))


def settings(**changes: Any) -> FetchSettings:
    values: dict[str, Any] = {"host_gap": 0, "timeout": 5, "retries": 0, "allow_hosts": HOSTS}
    return FetchSettings(**{**values, **changes})


def get(url: str, *, etag: str | None = None, modified: str | None = None, **changes: Any) -> Response | FetchError:
    (result,) = fetch_all([FetchRequest(url, etag, modified)], settings(**changes))
    return result


def redirect(status: int, location: str) -> Reply:
    return Reply(status, headers={"Location": location})
