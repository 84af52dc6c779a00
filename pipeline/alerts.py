"""Which problems are to be told to whom: each once when it begins, and once more when it is over.

Each channel (mail, webhook) is told on its own and remembers what it was told, so that one that can't be reached costs
the other nothing and is told later. What comes and goes within minutes is not told at all, what goes and comes back is
the same trouble, and a channel gets one message for all that is new, ten minutes apart at least.
What decides is pure; `load` and `save` keep the memory in the data folder.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ArchiveError
from pipeline.problems import Problem, ProblemKind, Severity

MEMORY: Final = Path("state") / "alerts.json"
"""Where the memory is kept, in the data folder."""

PATIENCE: Final = timedelta(minutes=5)
"""For so long a problem must have been seen before it is told: what a restart mends is nobody's business."""

PATIENCE_WITH_WARNINGS: Final = timedelta(minutes=30)
"""The same for what is no error: one failed ingest is mended by the next, a quarter of an hour later."""

PATIENCE_WITH: Final[Mapping[ProblemKind, timedelta]] = {ProblemKind.SOURCE_FAILING: timedelta(days=1)}
"""Publishers' servers are down at times; one that is so for a day needs a look."""

SETTLED: Final = timedelta(minutes=10)
"""For so long a problem must not have been seen before it is over."""

QUIET: Final = timedelta(minutes=10)
"""Between two messages to one channel."""

FIRST_RETRY: Final = timedelta(minutes=1)
LAST_RETRY: Final = timedelta(hours=1)
"""After a message that could not be delivered: doubled each time, up to this."""

NOTICED: Final = timedelta(minutes=30)
"""From when on a channel that can't be reached is a problem itself."""

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Told:
    """When a channel was told of a problem, and in which message."""

    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class Known:
    """A problem as it was seen last. `first_seen` is when it came up, `gone_at` since when it is not seen any more."""

    problem: Problem
    first_seen: datetime
    gone_at: datetime | None = None
    told: Mapping[str, Told] = field(default_factory=dict)

    @property
    def since(self) -> datetime:
        """When it began: as the problem itself says, else when it was first seen."""
        return self.problem.since or self.first_seen


@dataclass(frozen=True, slots=True)
class Channel:
    """How a channel fares: when it last took a message; since when, how often and why it has not."""

    delivered_at: datetime | None = None
    failing_since: datetime | None = None
    failed_at: datetime | None = None
    failures: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered: problems by key, channels by name."""

    known: Mapping[str, Known] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """One message to one channel: what is new, what is over, and what goes on that it was told of before.

    `id` is the same for the same content, so that one sent twice can be told as such; `answers` are the messages in
    which the channel was told of what is over now.
    """

    id: str
    begun: tuple[Known, ...]
    over: tuple[Known, ...]
    ongoing: tuple[Known, ...] = ()
    answers: tuple[str, ...] = ()
    is_test: bool = False


def observed(memory: Memory, problems: Sequence[Problem], now: datetime) -> Memory:
    """The memory after a look at what is wrong: new problems, those that are gone, and those that are back."""
    present = {problem.key: problem for problem in problems}
    known: dict[str, Known] = {}
    for key, one in memory.known.items():
        if key not in present:
            known[key] = one if one.gone_at is not None else replace(one, gone_at=now)
        else:
            # What was over is a new one for those who know of its end, and goes on for those who do not.
            is_new = one.gone_at is not None and _passed(one.gone_at, now, SETTLED)
            first_seen = now if is_new else one.first_seen
            known[key] = replace(one, problem=present[key], first_seen=first_seen, gone_at=None)
    known |= {key: Known(problem, now) for key, problem in present.items() if key not in known}
    return replace(memory, known=known)


def due(memory: Memory, channel: str, now: datetime) -> Alert | None:
    """What `channel` is to be told now, if anything."""
    state = memory.channels.get(channel, Channel())
    if state.delivered_at is not None and not _passed(state.delivered_at, now, QUIET):
        return None
    if state.failed_at is not None and not _passed(state.failed_at, now, _retry_after(state.failures)):
        return None
    begun, over, ongoing = [], [], []
    for one in sorted(memory.known.values(), key=_order):
        is_told = channel in one.told
        if one.gone_at is not None:
            if is_told and _passed(one.gone_at, now, SETTLED):
                over.append(one)
        elif is_told:
            ongoing.append(one)
        elif _passed(one.first_seen, now, _patience(one.problem)):
            begun.append(one)
    if not begun and not over:
        return None
    content = [channel, *(_print(one) for one in begun), "over", *(_print(one) for one in over)]
    digest = hashlib.sha256("\n".join(content).encode()).hexdigest()[:32]
    answers = dict.fromkeys(one.told[channel].message for one in over)
    return Alert(digest, tuple(begun), tuple(over), tuple(ongoing), tuple(answers))


def delivered(memory: Memory, channel: str, alert: Alert, now: datetime) -> Memory:
    """The memory once `channel` has taken `alert`."""
    known = dict(memory.known)
    for one in alert.begun:
        key = one.problem.key
        known[key] = replace(known[key], told={**known[key].told, channel: Told(now, alert.id)})
    for one in alert.over:
        key = one.problem.key
        known[key] = replace(known[key], told={name: told for name, told in known[key].told.items() if name != channel})
    return Memory(known, {**memory.channels, channel: Channel(delivered_at=now)})


def undelivered(memory: Memory, channel: str, error: str, now: datetime) -> Memory:
    """The memory once `channel` could not be reached, or has refused."""
    before = memory.channels.get(channel, Channel())
    after = replace(
        before,
        failing_since=before.failing_since or now,
        failed_at=now,
        failures=before.failures + 1,
        error=error,
    )
    return replace(memory, channels={**memory.channels, channel: after})


def settled(memory: Memory, channels: Collection[str], now: datetime) -> Memory:
    """The memory without what nobody needs: problems that are over for all, and channels that are no more."""
    known: dict[str, Known] = {}
    for key, one in memory.known.items():
        told = {name: when for name, when in one.told.items() if name in channels}
        if told or one.gone_at is None or not _passed(one.gone_at, now, SETTLED):
            known[key] = replace(one, told=told)
    return Memory(known, {name: state for name, state in memory.channels.items() if name in channels})


def unreachable(memory: Memory, now: datetime) -> tuple[Problem, ...]:
    """Channels that have not taken a message for long: a problem that only others can tell of."""
    return tuple(
        Problem(
            ProblemKind.ALERTS_UNDELIVERED,
            state.failing_since,
            f"alerts can't be delivered by {name}: {state.error}",
            hint="`clampdown alerts test` tries it, and says what is wrong",
            subject=name,
            severity=Severity.WARNING,
        )
        for name, state in sorted(memory.channels.items())
        if state.failing_since is not None and _passed(state.failing_since, now, NOTICED)
    )


def _order(one: Known) -> tuple[bool, datetime, str]:
    return one.problem.severity is not Severity.ERROR, one.since, one.problem.key


def _patience(problem: Problem) -> timedelta:
    otherwise = PATIENCE if problem.severity is Severity.ERROR else PATIENCE_WITH_WARNINGS
    return PATIENCE_WITH.get(problem.kind, otherwise)


def _print(one: Known) -> str:
    return f"{one.problem.key} {one.first_seen.isoformat()}"


def _retry_after(failures: int) -> timedelta:
    return min(FIRST_RETRY * (1 << min(failures - 1, 16)), LAST_RETRY)


def _passed(since: datetime, now: datetime, span: timedelta) -> bool:
    """Whether `span` has passed. A clock that was set back must not silence anything until it catches up."""
    return now - since >= span or now < since


def load(data_dir: Path) -> Memory:
    """What is remembered in a data folder; nothing where nothing is. Raises ArchiveError where that can't be read."""
    path = data_dir / MEMORY
    try:
        content = json.loads(path.read_bytes())
        if content["version"] != VERSION:
            raise ValueError(f"it is of version {content['version']}")
        return Memory(
            {one.problem.key: one for one in map(_known, content["problems"])},
            {name: Channel(**_times(state)) for name, state in content["channels"].items()},
        )
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ArchiveError(f"{path}: can't be read: {error}", hint="It is begun anew.") from None


def save(data_dir: Path, memory: Memory) -> None:
    """Keep the memory in the data folder, whole or not at all. Raises ArchiveError where that fails."""
    from pipeline.archive_files import put

    path = data_dir / MEMORY
    content = {
        "version": VERSION,
        "problems": [asdict(one) for one in memory.known.values()],
        "channels": {name: asdict(state) for name, state in memory.channels.items()},
    }
    put(path.parent, path.name, json.dumps(content, indent=1, default=_plain).encode())


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _known(data: Mapping[str, Any]) -> Known:
    problem = dict(data["problem"])
    problem |= {"kind": ProblemKind(problem["kind"]), "severity": Severity(problem["severity"])}
    told = {name: Told(**_times(one)) for name, one in data["told"].items()}
    return Known(**{**_times(data), "problem": Problem(**_times(problem)), "told": told})


def _times(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record, with its times read; a time without a zone is none that we wrote."""
    found = dict(data)
    for name, value in data.items():
        if isinstance(value, str) and (name in ("at", "since", "first_seen") or name.endswith(("_at", "_since"))):
            found[name] = datetime.fromisoformat(value)
            if found[name].tzinfo is None:
                raise ValueError(f"{name} has no zone")
    return found
