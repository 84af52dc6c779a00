"""Articles that change after they were read: when one is asked for again, and whether what comes takes its place.

Pure decisions. A feed whose words change on every poll (share counts, "updated 5 minutes ago") must cost a publisher a
few requests at most, and a page that stopped showing the article must not cost us its text.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from pipeline.errors import FetchError
from pipeline.notices import is_notice
from pipeline.types import Article, Entry, Revisit, RevisitOutcome, StoredVersion, TextOrigin

FIRST_WAIT: Final = timedelta(hours=1)
"""Least time between reading an article and asking for it again; doubled with each revisit."""
MAX_REVISITS: Final = 5
"""Revisits of one article, over all time: the last comes at least 31 hours after the first reading."""
MAX_AGE: Final = timedelta(days=30)
"""Time since publication after which an article is left as it is."""
STUB: Final = 200
"""Characters of body below which a new version is taken for a stub in the article's place."""
SAME_ARTICLE: Final = 0.4
"""Least share of the stored words that a page under another canonical URL must hold to be the same article."""

_WORD = re.compile(r"\w{4,}")


@dataclass(frozen=True, slots=True)
class Visits:
    """What is known of an article's visits: how many revisits, the time of the last visit of any kind, its date."""

    revisits: int
    last: datetime
    published: date | None


def words_changed(stored: Entry, listed: Entry) -> bool:
    """Whether a feed says something else of an entry than what is stored. Dates and links don't count.

    Nor does an item without summary and content where the stored one has either: a list of headlines or a sitemap says
    less of the same article.
    """
    says_less = not (listed.summary or listed.content) and bool(stored.summary or stored.content)
    return listed.fingerprint != stored.fingerprint and not says_less


def revisit_at(visits: Visits, seen_at: datetime) -> datetime | None:
    """When to ask again for an article whose feed was `seen_at` to have changed its words; None if never.

    An article without a date is as old as its last visit.
    """
    if visits.revisits >= MAX_REVISITS:
        return None
    due = visits.last + FIRST_WAIT * 2**visits.revisits
    since = visits.published or visits.last.astimezone(UTC).date()
    return None if max(due, seen_at).astimezone(UTC).date() - since > MAX_AGE else due


def judge(stored: StoredVersion, article: Article, *, asked: bool = True) -> tuple[RevisitOutcome, str | None]:
    """Whether `article`, read again, takes the place of what is stored, and why it does not, if so.

    `asked` says that its page was asked for; else the feed gives it whole.
    """
    if article.text == stored.text:
        return RevisitOutcome.UNCHANGED, None
    reason = _unfit(stored, article, asked=asked)
    return (RevisitOutcome.CHANGED, None) if reason is None else (RevisitOutcome.KEPT, reason)


def as_stored(stored: StoredVersion, article: Article) -> Article:
    """The new version under the name of the stored one: an article keeps its identity when its address changes."""
    return (
        article
        if article.canonical_url == stored.canonical_url
        else replace(article, canonical_url=stored.canonical_url)
    )


def failed(error: FetchError, stored: StoredVersion, visited_at: datetime) -> Revisit:
    """The revisit that `error` ended. Where the failure can heal, it is repeated, within the same bounds."""
    again = revisit_at(Visits(stored.visits + 1, visited_at, None), visited_at) if error.retryable else None
    return Revisit(RevisitOutcome.FAILED, visited_at, again)


def _unfit(stored: StoredVersion, article: Article, *, asked: bool) -> str | None:
    """Why the stored text is kept: what came is a stub, or another article.

    A stub that says that the article was withdrawn or corrected is the publisher's last word on it.
    """
    old, new = len(stored.body), len(article.body)
    if asked and article.text_origin is TextOrigin.FEED and stored.text_origin is TextOrigin.PAGE:
        return "the page no longer shows the article: only the feed's text could be read"
    if article.soft_404 and stored.text_origin is TextOrigin.PAGE:
        return "the page no longer shows the article, although it answers"
    if 2 * new < old and (article.paywalled or article.soft_404):
        return f"only {new} of {old} characters can be read now: the rest is behind a paywall"
    if new < STUB and 2 * new < old and not is_notice(article.title, article.body):
        return f"only {new} of {old} characters are left"
    if article.canonical_url != stored.canonical_url and _shared(stored.body, article.body) < SAME_ARTICLE:
        return f"the page is now another article: {article.canonical_url}"
    return None


def _shared(old: str, new: str) -> float:
    """The share of the old text's words that the new one holds, 1 for a text without any."""
    words = set(_WORD.findall(old.casefold()))
    return len(words & set(_WORD.findall(new.casefold()))) / len(words) if words else 1.0
