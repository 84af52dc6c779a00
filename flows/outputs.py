"""What goes out beside the digests' mails: the feeds of each subscription, and what webhooks are sent.

    feeds/
    ├── policy-desk.atom, policy-desk.json     the feeds of a subscription, whole at any time
    └── .made.json                             of what they were made: what is as it was is not made again

Feeds are made of the published snapshot whenever there is a new one. All of the folder can be made again.
"""

import fcntl
import hashlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from flows import subscribed
from pipeline.archive_files import make_folder, put, put_all, sweep
from pipeline.errors import ArchiveError, ClampdownError
from pipeline.outbox import Channel, Entry, Outbox, key_of, receiver_of
from pipeline.places import PUBLISHED_NAME
from pipeline.settings import Settings
from pipeline.subscription_types import Hook, Subscription
from reports.digest import Digest
from reports.feed_reading import chosen, entries
from reports.feeds import ATOM, JSON, PATH, atom, json_feed
from reports.hooks import content, message_id
from warehouse import news
from warehouse.latest_news import LastNews, latest_news
from warehouse.query import connect_snapshot
from warehouse.reader import Reader

log = logging.getLogger(__name__)

MADE: Final = ".made.json"
_LOCK: Final = ".lock"


@dataclass(frozen=True, slots=True)
class Feeds:
    """How many files were written, how many were as they should be, and how many were of no subscription any more."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0


def write_feeds(settings: Settings, subscriptions: Sequence[Subscription] | None = None) -> Feeds:
    """Bring the feeds up to date with what is published; by default those of all subscriptions of this site.

    Any number of processes may do so at once. Raises InputError where nothing is published or the subscriptions can't
    be read, ArchiveError where a file can't be written.
    """
    if subscriptions is None:
        subscriptions = subscribed.subscriptions(settings)
    fed = [one for one in subscriptions if one.feed and one.enabled]
    folder = settings.data_dir / PATH
    with (
        _alone(folder),
        connect_snapshot(
            settings.data_dir / PUBLISHED_NAME, memory_limit=settings.warehouse.memory_limit or None
        ) as reader,
    ):
        made = _made(folder)
        basis = _hash(version("clampdown"), settings.mail.public_url, reader.path.parent.name, *fed)
        files = {f"{one.id}{kind}" for one in fed for kind in (ATOM, JSON)}
        if made.get("basis") == basis and all((folder / name).exists() for name in files):
            return Feeds(unchanged=len(files))
        marks, written = _write(settings, folder, reader, fed, made.get("feeds", {}))
    gone = [name for name in made.get("files", []) if name not in files]
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    note = {"basis": basis, "feeds": marks, "files": sorted(files)}
    put(folder, MADE, json.dumps(note).encode())
    log.debug("feeds: %d files written, %d of no subscription any more", written, len(gone))
    return Feeds(written, len(files) - written, len(gone))


def keep_feeds(settings: Settings) -> Feeds | None:
    """Bring the feeds up to date after something was published.

    What keeps that from being done is logged: no run fails for want of a feed, and the next one makes it.
    """
    try:
        return write_feeds(settings)
    except ClampdownError as error:
        log.error("the feeds can't be made: %s%s", error, f" ({error.hint})" if error.hint else "")
        return None


def _write(
    settings: Settings, folder: Path, reader: Reader, fed: Sequence[Subscription], before: Mapping[str, str]
) -> tuple[dict[str, str], int]:
    """Write the feeds that differ. Returns by id of what each was made, and how many files were written."""
    public_url = settings.mail.public_url
    # A feed without entries is dated, too.
    since = news.began_at(reader) or datetime.fromtimestamp(0, UTC)
    selected = dict(
        zip(fed, chosen(latest_news(reader), [one.filters for one in fed], subscribed.categories()), strict=True)
    )
    marks = {one.id: _mark(one, some, public_url) for one, some in selected.items()}
    stale = [
        one
        for one in fed
        if before.get(one.id) != marks[one.id]
        or not all((folder / f"{one.id}{kind}").exists() for kind in (ATOM, JSON))
    ]
    wanted: dict[LastNews, set[str]] = {}
    for one in stale:
        for last in selected[one]:
            wanted.setdefault(last, set()).add(one.language)
    made = entries(reader, wanted)
    for one in stale:
        own = [made[key] for last in selected[one] if (key := (last.event_id, one.language)) in made]
        feeds = {
            ATOM: atom(one, own, public_url=public_url, since=since),
            JSON: json_feed(one, own, public_url=public_url),
        }
        put_all(folder, {f"{one.id}{kind}": feed for kind, feed in feeds.items()})
    return marks, 2 * len(stale)


def _mark(subscription: Subscription, some: Collection[LastNews], public_url: str) -> str:
    """Stands for all that decides how a feed reads."""
    told = ((one.name, one.changed_at, one.position, one.revision) for one in some)
    return _hash(version("clampdown"), public_url, subscription.id, subscription.title, subscription.language, *told)


def _hash(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(repr, parts)).encode("utf-8", "replace")).hexdigest()


def _made(folder: Path) -> dict[str, Any]:
    """What the feeds were made of. Where that can't be told they are made anew."""
    try:
        found = json.loads((folder / MADE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for others who write feeds: whoever comes last has the newest snapshot."""
    try:
        make_folder(folder)
        lock = (folder / _LOCK).open("ab")
    except OSError as error:
        raise ArchiveError(
            f"{folder}: can't be written: {error.strerror or error}", hint="is the disk full, or read-only?"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sweep(folder)
        yield


def queue_hooks(outbox: Outbox, digest: Digest, browser: str | None) -> tuple[Entry, ...]:
    """Keep what the hooks of a digest's subscription are sent. Returns what its record has to name for it to be sent.

    `browser` is where readers see the digest; None where they can't.
    """
    hooks = digest.subscription.hooks
    bodies = {one.template: content(one, digest, browser) for one in hooks}
    hashes = dict(zip(bodies, outbox.keep(bodies.values(), suffix=".json"), strict=True))
    return tuple(_entry(digest, one, hashes[one.template]) for one in hooks)


def _entry(digest: Digest, hook: Hook, sha256: str) -> Entry:
    key = key_of(digest.subscription.id, digest.name, hook.url)
    # Who knows no ids of messages is not to be sent one twice: by having none such a message is told apart.
    known_by = message_id(key) if hook.template == "plain" else ""
    return Entry(key, receiver_of(hook.url), sha256, known_by, Channel.WEBHOOK)
