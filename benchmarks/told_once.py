"""The labelled set of happenings: articles written for it on true facts, and which of them tell the same.

Each file of `benchmarks/told/` holds articles and copies of them:

    [[article]]
    id = "garante-chatgpt-orrery"       # unique in the whole set
    outlet = "Orrery News Agency"       # invented; `owner` too, where two outlets share one
    published = 2023-03-31
    title = "..."
    body = '''...'''
    story = "..."                       # left out: a story of its own

    [[article.tells]]                   # one per event that the guidelines find in the text
    event = "it-garante-chatgpt-2023"   # which happening it is, the same key wherever it is told
    trigger = "..."                     # this and all the fields of the guidelines, as in the annotation

    [[copy]]
    id = "garante-chatgpt-ledger"
    of = "garante-chatgpt-orrery"       # its text, with what follows changed; the same story
    outlet = "..."
    published = 2023-03-31
    title = "..."                       # any of these may be left out
    lead = "..."                        # a paragraph before the body
    tail = "..."                        # one after it
    drop = ["..."]                      # words that are left out
    replace = [["old", "new"]]

A copy tells what its original tells wherever all the quotes still stand, and what its own `tells` add.
`python -m benchmarks.told_once` checks the set and counts it.
"""

import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.ids import content_id
from pipeline.types import Action, Mention, Quote, ReasonClass, Status

FOLDER = Path(__file__).parent / "told"
QUOTED = ("trigger", "service", "actor", "scope", "date", "reason")
REQUIRED = ("event", "action", "status", "trigger", "country", "service", "service_canonical")
ALLOWED = {*REQUIRED, *QUOTED, "actor_canonical", "date_value", "reason_classes", "optional"}


@dataclass(frozen=True, slots=True)
class Telling:
    """One event as an article of the set tells it: the key of the happening, and the fields as annotated."""

    event: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToldArticle:
    """An article of the set. `text` is the title, a blank line, then the body, as the warehouse stores it."""

    id: str
    file: str
    outlet: str
    owner: str
    published: date | None
    title: str
    body: str
    story: str
    tells: tuple[Telling, ...]
    copy_of: str | None = None

    @property
    def text(self) -> str:
        return f"{self.title}\n\n{self.body}"


def load() -> list[ToldArticle]:
    """Read the whole set, copies expanded, in the order of files and articles. Raises ValueError naming what is odd."""
    found: dict[str, ToldArticle] = {}
    copies: list[tuple[str, dict[str, Any]]] = []
    for path in sorted(FOLDER.glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        for row in data.get("article", []):
            _enter(found, _article(path.stem, row))
        copies += [(path.stem, row) for row in data.get("copy", [])]
    for file, row in copies:
        _enter(found, _copy(file, row, found))
    return list(found.values())


def _enter(found: dict[str, ToldArticle], article: ToldArticle) -> None:
    if article.id in found:
        raise ValueError(f"{article.file}: two articles are called {article.id}")
    for telling in article.tells:
        for problem in _problems(article, telling):
            raise ValueError(f"{article.file}: {article.id}: {telling.event}: {problem}")
    found[article.id] = article


def _article(file: str, row: dict[str, Any]) -> ToldArticle:
    tells = tuple(Telling(str(one.get("event")), dict(one)) for one in row.get("tells", []))
    owner = row.get("owner", row["outlet"])
    title, body = " ".join(row["title"].split()), row["body"].strip()
    story = row.get("story", row["id"])
    return ToldArticle(row["id"], file, row["outlet"], owner, row["published"], title, body, story, tells)


def _copy(file: str, row: dict[str, Any], found: dict[str, ToldArticle]) -> ToldArticle:
    if row["of"] not in found:
        raise ValueError(f"{file}: {row['id']} copies {row['of']}, which is not there")
    original = found[row["of"]]
    title, body = " ".join(row.get("title", original.title).split()), original.body
    for old, new in [*((words, "") for words in row.get("drop", [])), *row.get("replace", [])]:
        if old not in body:
            raise ValueError(f"{file}: {row['id']}: {old!r} does not stand in {original.id}")
        body = body.replace(old, new, 1)
    body = "\n\n".join(part.strip() for part in (row.get("lead", ""), body, row.get("tail", "")) if part.strip())
    copied = ToldArticle(
        row["id"], file, row["outlet"], row.get("owner", row["outlet"]), row["published"], title, body, original.story,
        (), original.id,
    )  # fmt: skip
    added = tuple(Telling(str(one.get("event")), dict(one)) for one in row.get("tells", []))
    inherited = tuple(telling for telling in original.tells if not list(_problems(copied, telling)))
    return ToldArticle(
        copied.id, file, copied.outlet, copied.owner, copied.published, title, body, copied.story, inherited + added,
        original.id,
    )  # fmt: skip


def _problems(article: ToldArticle, telling: Telling) -> Iterator[str]:
    fields = telling.fields
    for name in REQUIRED:
        if not fields.get(name):
            yield f"{name} is missing"
    for name in fields.keys() - ALLOWED:
        yield f"{name} is no field"
    for name in QUOTED:
        if fields.get(name) and fields[name] not in article.text:
            yield f"the {name} {fields[name]!r} does not stand in the text"
    if fields.get("action") not in set(Action) or fields.get("status") not in set(Status):
        yield "its action or status is no class of the guidelines"
    if set(fields.get("reason_classes", ())) - set(ReasonClass):
        yield "a reason class is none of the guidelines"
    if bool(fields.get("actor")) != bool(fields.get("actor_canonical")):
        yield "actor and actor_canonical go together"


def gold_mention(article: ToldArticle, telling: Telling) -> Mention:
    """Return a telling as the mention that a faultless extractor would make of it; kind and scope class are left open.

    Quotes are placed near the trigger, where the words stand more than once.
    """
    fields, text = telling.fields, article.text
    at = text.index(fields["trigger"])
    quotes = {}
    for name in QUOTED:
        if words := fields.get(name):
            places = [i for i in range(len(text)) if text.startswith(words, i)]
            start = min(places, key=lambda place: abs(place - at))
            quotes[name] = Quote(words, start, start + len(words))
    return Mention(
        document_id=content_id("article", article.id),
        action=Action(fields["action"]),
        status=Status(fields["status"]),
        trigger=quotes["trigger"],
        service=quotes["service"],
        service_canonical=fields["service_canonical"],
        country=fields["country"],
        actor=quotes.get("actor"),
        actor_canonical=fields.get("actor_canonical") or None,
        scope=quotes.get("scope"),
        date=quotes.get("date"),
        date_value=fields.get("date_value") or None,
        reason=quotes.get("reason"),
        reason_classes=tuple(ReasonClass(one) for one in fields.get("reason_classes", ())),
    )


def main() -> int:
    """Check the set and print its figures, and the happenings whose fields differ more than they should."""
    articles = load()
    tellings = [(article, telling) for article in articles for telling in article.tells]
    events = Counter(telling.event for _, telling in tellings)
    stories = Counter(article.story for article in articles)
    print(f"{len(articles)} articles, {sum(article.copy_of is not None for article in articles)} of them copies")
    print(f"{len(stories)} stories, {len(events)} events, {len(tellings)} tellings")
    print(f"{sum(count > 1 for count in events.values())} events are told more than once")
    print(f"{sum(not article.tells for article in articles)} articles tell none")
    for field in ("actor_canonical", "service_canonical", "country"):
        values: dict[str, set[str]] = defaultdict(set)
        for _, telling in tellings:
            if telling.fields.get(field):
                values[telling.event].add(telling.fields[field])
        for event, some in values.items():
            if len(some) > 1:
                print(f"look again: {event} has {field} {sorted(some)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
