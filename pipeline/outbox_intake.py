"""What digests have brought for the outbox: their records are looked for where something came since the last look."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pipeline import outbox_state
from pipeline.errors import ArchiveError
from pipeline.outbox import OPEN_FOR, Batch, batch_of
from pipeline.outbox_state import Standing
from pipeline.settings import Settings
from pipeline.subscription_types import BUILT_IN

log = logging.getLogger(__name__)

DIGESTS: Final = "digests"
RECORD: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d{6}Z)?\.json")

MARGIN: Final = timedelta(minutes=1)
"""Files and this program may tell the time a little differently."""


def is_due(settings: Settings, now: datetime) -> bool:
    """Whether there is anything to send, by a look at the times of folders and at one small file.

    Raises ArchiveError or OSError where that can't be told.
    """
    standing = outbox_state.load(settings.data_dir)
    since = fresh_since(standing, now)
    if any(_changed_since(folder, since) for folder in _folders(settings.data_dir)):
        return True
    return standing is not None and standing.next_at is not None and standing.next_at <= now


def digest_folder(data_dir: Path, subscription_id: str) -> Path:
    """Where the digests of a subscription are. The built-in one keeps the folder that it always had."""
    folder = data_dir / DIGESTS
    return folder if subscription_id == BUILT_IN.id else folder / subscription_id


def fresh_since(standing: Standing | None, now: datetime) -> datetime:
    """Since when records may have come that nobody has looked for. A look that is to come was at a wrong clock."""
    # What is too late to be sent is taken in all the same: that it was given up has to be seen.
    oldest = now - OPEN_FOR
    return oldest if standing is None or standing.looked_at > now else max(oldest, standing.looked_at - MARGIN)


def _folders(data_dir: Path) -> Iterator[Path]:
    """Where records of digests are: those of the built-in subscription in the folder itself, the others below it."""
    folder = data_dir / DIGESTS
    if folder.is_dir():
        yield folder
        yield from (path for path in folder.iterdir() if path.is_dir())


def _changed_since(path: Path, since: datetime) -> bool:
    try:
        return path.stat().st_mtime >= since.timestamp()
    except FileNotFoundError:
        return False


def fresh_batches(data_dir: Path, since: datetime) -> Iterator[Batch]:
    """The messages of the records that were written since then. A record that can't be read is logged and left out."""
    for folder in _folders(data_dir):
        # A name that comes into a folder changes its time.
        if not _changed_since(folder, since):
            continue
        subscription = BUILT_IN.id if folder == data_dir / DIGESTS else folder.name
        for path in sorted(path for path in folder.iterdir() if RECORD.fullmatch(path.name)):
            if not _changed_since(path, since):
                continue
            try:
                yield batch_of(json.loads(path.read_bytes()), subscription, path.stem)
            except (OSError, ValueError, ArchiveError) as error:
                log.error("%s: its mails can't be sent: %s", path, error)
