"""How the outbox stands, in one small file: written by whoever sent last, read by all who only want to know.

Nothing here must not be lost: without the file the outbox is looked through once more.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pipeline.archive_files import put
from pipeline.errors import ArchiveError
from pipeline.outbox import FOLDER, WAITING, Channel, Row, State
from pipeline.problems import Problem, ProblemKind, Severity

NAME: Final = "state.json"

STUCK_AFTER: Final = timedelta(hours=1)
"""A message that has waited so long is worth a word: greylisting takes minutes."""

NEWS_FOR: Final = timedelta(days=3)
"""For so long what was refused or given up is told."""

UNSURE_FOR: Final = timedelta(days=14)
"""For so long what can't be known is told, unless an operator settles it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing can be handed over to the mail server, since when, and when it is tried again. Times are UTC."""

    since: datetime
    words: str
    hint: str
    tries: int
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """The outbox as of `written_at`; records of digests were last looked for at `looked_at`. Times are UTC.

    `counts` are the messages of the latest weeks by state. Of those that wait the oldest is to be sent since
    `waiting_since`, and the next is tried at `next_at`. `unknown` and `lost` count what is worth a word: messages of
    which it can't be known whether they arrived, and those that were refused or given up; `unknown_since` and
    `lost_since` are when the first of each became so.
    """

    written_at: datetime
    looked_at: datetime
    counts: Mapping[str, int] = field(default_factory=dict)
    waiting_since: datetime | None = None
    next_at: datetime | None = None
    unknown: int = 0
    unknown_since: datetime | None = None
    lost: int = 0
    lost_since: datetime | None = None
    trouble: Trouble | None = None

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return sum(self.counts.get(state.value, 0) for state in WAITING)


def standing_of(rows: Iterable[Row], now: datetime, looked_at: datetime, trouble: Trouble | None) -> Standing:
    """How an outbox with these messages stands."""
    found = list(rows)
    waiting = [row for row in found if row.state in WAITING]
    unknown = [row.at for row in found if row.state is State.UNKNOWN and now - row.at <= UNSURE_FOR]
    lost = [row.at for row in found if row.state in (State.REFUSED, State.GIVEN_UP) and now - row.at <= NEWS_FOR]
    return Standing(
        written_at=now,
        looked_at=looked_at,
        counts=dict(Counter(row.state.value for row in found)),
        waiting_since=min((row.asked_at for row in waiting), default=None),
        next_at=min((_next(row, trouble) for row in waiting), default=None),
        unknown=len(unknown),
        unknown_since=min(unknown, default=None),
        lost=len(lost),
        lost_since=min(lost, default=None),
        trouble=trouble,
    )


def _next(row: Row, trouble: Trouble | None) -> datetime:
    own = row.next_at or row.asked_at
    return max(own, trouble.next_at) if trouble is not None and row.entry.channel is Channel.MAIL else own


def problems_of(standing: Standing | None, now: datetime) -> tuple[Problem, ...]:
    """What an operator should know of it."""
    if standing is None:
        return ()
    found = []
    if standing.waiting and standing.waiting_since is not None and now - standing.waiting_since > STUCK_AFTER:
        why = f": {standing.trouble.words}" if standing.trouble else ""
        words = f"{_messages(standing.waiting)} can't be sent{why}"
        hint = (standing.trouble.hint if standing.trouble else "") or "`clampdown outbox list --waiting` says why."
        found.append(Problem(ProblemKind.MAIL_STUCK, standing.waiting_since + STUCK_AFTER, words, hint))
    if standing.unknown and standing.unknown_since is not None and now - standing.unknown_since <= UNSURE_FOR:
        words = f"of {_messages(standing.unknown)} it can't be known whether they arrived"
        if standing.unknown == 1:
            words = "of one message it can't be known whether it arrived"
        hint = "`clampdown outbox list --state unknown` names them; `outbox resend` or `outbox cancel` settles each."
        found.append(Problem(ProblemKind.MAIL_UNKNOWN, standing.unknown_since, words, hint, severity=Severity.WARNING))
    if standing.lost and standing.lost_since is not None and now - standing.lost_since <= NEWS_FOR:
        words = f"{_messages(standing.lost)} {'was' if standing.lost == 1 else 'were'} refused or given up"
        hint = "`clampdown outbox list --lost` says why."
        found.append(Problem(ProblemKind.MAIL_LOST, standing.lost_since, words, hint, severity=Severity.WARNING))
    return tuple(found)


def load(data_dir: Path) -> Standing | None:
    """How the outbox stands; None where nothing was ever sent. Raises ArchiveError where the file can't be read."""
    path = data_dir / FOLDER / NAME
    try:
        told = json.loads(path.read_bytes())
        trouble = told.pop("trouble")
        for name in ("written_at", "looked_at", "waiting_since", "next_at", "unknown_since", "lost_since"):
            told[name] = _moment(told[name])
        if trouble is not None:
            trouble = Trouble(**trouble | {name: _moment(trouble[name]) for name in ("since", "next_at")})
        return Standing(**told, trouble=trouble)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArchiveError(f"{path} can't be read: {error}", hint="The next sending writes it anew.") from error


def save(data_dir: Path, standing: Standing) -> None:
    """Write down how the outbox stands. Raises ArchiveError."""
    text = json.dumps(asdict(standing), default=_plain, ensure_ascii=False)
    put(data_dir / FOLDER, NAME, text.encode("utf-8", "replace"))


def _moment(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _plain(value: object) -> str:
    assert isinstance(value, datetime), "all else is plain"
    return value.isoformat()


def _messages(number: int) -> str:
    return "one message" if number == 1 else f"{number} messages"
