"""Who is sent nothing more: readers who have unsubscribed, and addresses that mail came back from.

`outbox/suppressed.jsonl` has a line for each change. Who has unsubscribed did so from one subscription; an address that
does not exist is one for all of them. Twice in a month is enough for that: one bounce may be a server's mistake.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pipeline.archive_files import make_folder
from pipeline.errors import ArchiveError
from pipeline.line_files import append, locked, read_on
from pipeline.mail_addresses import identity

log = logging.getLogger(__name__)

FOLDER: Final = "outbox"
NAME: Final = "suppressed.jsonl"

BOUNCES: Final = 2
WITHIN: Final = timedelta(days=30)
"""So many messages that came back for good within that time end the sending to an address."""

_EVENT_BOUNCED, _EVENT_SUPPRESSED, _EVENT_ALLOWED = "bounced", "suppressed", "allowed"


class Reason(StrEnum):
    """Why somebody is sent nothing more."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    OPERATOR = "taken off by the operator"


@dataclass(frozen=True, slots=True)
class Suppression:
    """That an address is sent nothing of a subscription, or of any where `subscription` is empty, since `at` (UTC)."""

    subscription: str
    address: str
    reason: Reason
    at: datetime
    words: str = ""


@dataclass(slots=True)
class Suppressed:
    """Who is sent nothing more, as it was when it was loaded."""

    _found: dict[tuple[str, str], Suppression] = field(default_factory=dict)
    _bounces: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)

    def why(self, subscription: str, address: str) -> Suppression | None:
        """Why an address is sent nothing of a subscription; None where it is sent all."""
        who = identity(address)
        return self._found.get((subscription, who)) or self._found.get(("", who))

    def all(self) -> list[Suppression]:
        """All of them, the latest first."""
        return sorted(self._found.values(), key=lambda one: one.at, reverse=True)

    def take(self, line: Mapping[str, Any]) -> None:
        """Take a line into account. One of a version to come is passed over."""
        try:
            at, who, event = datetime.fromisoformat(line["at"]).astimezone(UTC), str(line["address"]), line["event"]
            if event == _EVENT_SUPPRESSED:
                one = Suppression(str(line["subscription"]), who, Reason(line["reason"]), at, str(line["words"]))
                self._found[one.subscription, who] = one
            elif event == _EVENT_BOUNCED:
                self._take_bounce(who, at, str(line["key"]), str(line["words"]))
            elif event == _EVENT_ALLOWED:
                self._take_back(str(line["subscription"]), who)
        except (KeyError, TypeError, ValueError, AttributeError):
            log.debug("a line of %s is passed over: %s", NAME, line)

    def _take_bounce(self, who: str, at: datetime, key: str, words: str) -> None:
        known = [(when, one) for when, one in self._bounces.get(who, ()) if at - when <= WITHIN and one != key]
        self._bounces[who] = [*known, (at, key)]
        if len(self._bounces[who]) >= BOUNCES:
            self._found.setdefault(("", who), Suppression("", who, Reason.BOUNCED, at, words))

    def _take_back(self, subscription: str, who: str) -> None:
        for key in [key for key in self._found if key[1] == who and (not subscription or key[0] == subscription)]:
            del self._found[key]
        if not subscription:
            self._bounces.pop(who, None)


def load(data_dir: Path) -> Suppressed:
    """Who is sent nothing more now. Raises ArchiveError where the file can't be read."""
    found = Suppressed()
    with _explained(data_dir):
        for line in read_on(_path(data_dir), 0)[0]:
            found.take(line)
    return found


def suppress(data_dir: Path, subscription: str, address: str, reason: Reason, now: datetime, words: str = "") -> None:
    """Send an address nothing more of a subscription; of any where that is empty. It is on the disk when this returns.

    Raises ArchiveError.
    """
    _note(
        data_dir,
        {
            "event": _EVENT_SUPPRESSED,
            "at": now.isoformat(),
            "subscription": subscription,
            "address": identity(address),
            "reason": reason.value,
            "words": words,
        },
    )


def bounce(data_dir: Path, address: str, key: str, now: datetime, words: str) -> None:
    """Note that the message `key` came back for good from an address. Raises ArchiveError."""
    who = identity(address)
    _note(data_dir, {"event": _EVENT_BOUNCED, "at": now.isoformat(), "address": who, "key": key, "words": words})


def allow(data_dir: Path, subscription: str, address: str, now: datetime) -> None:
    """Send an address what it is subscribed to again; all of it where `subscription` is empty. Raises ArchiveError."""
    who = identity(address)
    _note(data_dir, {"event": _EVENT_ALLOWED, "at": now.isoformat(), "subscription": subscription, "address": who})


def _note(data_dir: Path, line: Mapping[str, Any]) -> None:
    path = _path(data_dir)
    with _explained(data_dir):
        make_folder(path.parent)
        with locked(path.parent):
            append(path, [line])


def _path(data_dir: Path) -> Path:
    return data_dir / FOLDER / NAME


@contextmanager
def _explained(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        path = _path(data_dir)
        raise ArchiveError(
            f"{path}: can't be used: {error.strerror or error}", hint="is the disk full, or read-only?"
        ) from error
