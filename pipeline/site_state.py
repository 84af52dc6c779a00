"""What stood in the warehouse when it was last open, in a small file: `status` and monitors never open the warehouse.

The file is `<data_dir>/state/site.json`, written whole. It is made of the warehouse and of nothing else: where it is
gone, the next ingest writes it anew.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pipeline.archive_files import put
from pipeline.errors import ArchiveError

STATE_FOLDER: Final = "state"
STATE_NAME: Final = "site.json"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A source that is gone, failing or silent (`state`), since when (None: it never did well), and its last error."""

    source_id: str
    name: str
    state: str
    since: datetime | None = None
    error: str | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class SlowSource:
    """A source with the median seconds from an item's publication to its being first seen."""

    source_id: str
    name: str
    lag_seconds: float


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """The published snapshot: its database, the name of its version, and when that was published."""

    path: str
    version: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class SiteState:
    """The site in numbers, as of `written_at`. Times are UTC.

    Of the last ingest are `run_id` to `revisits`; `outcomes`, `feeds` and `revisits` count by how things ended,
    `pending` entries wait for their first outcome and `retrying` for another try, over all runs. `next_due_at` is when
    the next source is to be polled. `sources` counts the enabled sources by state, `trouble` has those that are not
    well, the worst first, and `slowest` those whose items are seen latest; `lag_seconds` is the median over all.
    `bytes` is what lies in each part of the data folder, as of `measured_at`.
    """

    written_at: datetime
    model: str = ""
    version: str = ""
    events: int = 0
    articles: int = 0
    entries: int = 0
    pending: int = 0
    retrying: int = 0
    run_id: str | None = None
    run_at: datetime | None = None
    discovered: int = 0
    new_events: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    feeds: Mapping[str, int] = field(default_factory=dict)
    revisits: Mapping[str, int] = field(default_factory=dict)
    next_due_at: datetime | None = None
    sources: Mapping[str, int] = field(default_factory=dict)
    trouble: tuple[Trouble, ...] = ()
    slowest: tuple[SlowSource, ...] = ()
    lag_seconds: float | None = None
    snapshot: SnapshotState | None = None
    bytes: Mapping[str, int] = field(default_factory=dict)
    measured_at: datetime | None = None


def save(data_dir: Path, state: SiteState) -> None:
    """Write the state whole, in the place of the one before. Raises ArchiveError where it can't be written."""
    text = json.dumps(asdict(state), ensure_ascii=False, indent=1, default=datetime.isoformat)
    # Half characters, which have no bytes in UTF-8, can stand in what a publisher wrote.
    put(data_dir / STATE_FOLDER, STATE_NAME, text.encode("utf-8", "replace") + b"\n")


def load(data_dir: Path) -> SiteState | None:
    """Read the state; None before the first run. Raises ArchiveError where the file can't be read for what it is."""
    path = data_dir / STATE_FOLDER / STATE_NAME
    hint = "The next ingest writes it anew."
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArchiveError(f"{path}: can't be read: {error.strerror or error}") from error
    try:
        return _state(json.loads(raw))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArchiveError(f"{path}: is no state of a site: {error}", hint=hint) from error


def _state(told: dict[str, Any]) -> SiteState:
    # What a newer or older version has more or fewer of does no harm.
    values = {one.name: told[one.name] for one in fields(SiteState) if one.name in told}
    values["written_at"] = datetime.fromisoformat(told["written_at"])
    for name in ("run_at", "next_due_at", "measured_at"):
        values[name] = _moment(told.get(name))
    values["trouble"] = tuple(
        Trouble(**_known(Trouble, one) | {"since": _moment(one.get("since"))}) for one in told.get("trouble", ())
    )
    values["slowest"] = tuple(SlowSource(**_known(SlowSource, one)) for one in told.get("slowest", ()))
    if (snapshot := told.get("snapshot")) is not None:
        at = datetime.fromisoformat(snapshot["published_at"])
        values["snapshot"] = SnapshotState(snapshot["path"], snapshot["version"], at)
    return SiteState(**values)


def _known(kind: type[Any], told: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: told[one.name] for one in fields(kind) if one.name in told}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
