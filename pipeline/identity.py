"""Which item of a feed is which known entry: GUIDs churn and are used again, links are shared, titles are edited."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from pipeline.types import Entry, Stamp

ALIKE: Final = 0.5
"""Share of the shorter title's words that two versions of one title have in common."""
WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """What must be known of a stored entry to recognise it."""

    id: str
    source_id: str
    guid: str
    canonical_url: str
    title: str = ""
    published: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Identified:
    """An item of a poll, and the id of the entry that it is, or None where it is new."""

    entry: Entry
    known_id: str | None


def told_apart(entry: Entry) -> Entry:
    """Return `entry` with a GUID of its own, for a feed that gives its GUID to other articles too."""
    return replace(entry, guid=f"{entry.guid} {entry.canonical_url}")


def identify(entries: Sequence[Entry], known: Iterable[KnownEntry]) -> list[Identified]:
    """Return for each item of a poll which entry it is; `known` holds those with its source and GUID or link.

    The link identifies an article, unless it is a home page's or the poll has it under several GUIDs: then the GUID
    does, and where that is new too, link and title together. So a GUID that changes at every poll makes no new entry.
    A known GUID with a new link is the same article moved, unless neither title nor date agree: then the feed has used
    its GUID again, and the item is new, told apart by its link. Two items of one poll that are the same new entry are
    both returned; their ids are equal.
    """
    by_link: defaultdict[tuple[str, str], list[KnownEntry]] = defaultdict(list)
    by_guid: dict[tuple[str, str], KnownEntry] = {}
    for one in known:
        by_link[one.source_id, one.canonical_url].append(one)
        by_guid[one.source_id, one.guid] = one
    links = Counter({(e.source_id, e.canonical_url, e.guid): 1 for e in entries})
    shared = Counter((source_id, link) for source_id, link, _ in links)
    guids = {(e.source_id, e.guid) for e in entries}
    found = []
    for entry in entries:
        place = entry.source_id, entry.canonical_url
        linked = by_link[place]
        named = by_guid.get((entry.source_id, entry.guid))
        if shared[place] > 1 or not urlsplit(entry.canonical_url).path.strip("/"):
            gone = [one for one in linked if (one.source_id, one.guid) not in guids]
            linked = [one for one in gone if one.title == entry.title]
            if named is not None and (named.canonical_url == entry.canonical_url or _same(entry, named)):
                linked = [named]
        if named is not None and named in linked:
            found.append(Identified(entry, named.id))
        elif linked:
            best = next((one for one in linked if one.title == entry.title), linked[0])
            found.append(Identified(entry, best.id))
        elif named is None:
            found.append(Identified(entry, None))
        elif _same(entry, named):
            found.append(Identified(entry, named.id))
        else:
            found.append(Identified(told_apart(entry), None))
    return found


def _same(entry: Entry, known: KnownEntry) -> bool:
    """Whether an item under a known GUID, but with another link, is the same article: its title or its date says so."""
    if entry.published is not None and known.published is not None and entry.published.value == known.published.value:
        return True
    ours, theirs = (set(WORD.findall(title.casefold())) for title in (entry.title, known.title))
    if not ours or not theirs:
        return True
    return len(ours & theirs) >= ALIKE * min(len(ours), len(theirs))
