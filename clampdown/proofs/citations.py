"""Every event cites text that is stored, and that a reader of the page sees.

Runs read pages that hide false reports, and pages whose words are disguised. Each quote is held against the stored text
here, character by character, and against what a browser shows where Chromium is installed; the audit is held against
warehouses that were tampered with.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from clampdown.proofs import citations_pages, citations_words
from clampdown.proofs.citations_browser import chromium, shown
from clampdown.proofs.citations_pages import HidingPage
from clampdown.proofs.citations_words import DisguisedPage
from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.webserver import HTTPServer, Reply
from clampdown.sample_run import run_sample
from clampdown.sample_site import SampleSite
from flows.audit import audit
from flows.house import WAREHOUSE_NAME, open_house
from flows.ingest import ingest
from pipeline.charset import decode
from pipeline.errors import ParseError, WarehouseError
from pipeline.markup import one_line
from pipeline.settings import FetchSettings, PollSettings, Settings, WorkerSettings
from pipeline.text import read_article
from pipeline.types import Entry, Response, Source
from warehouse.database import Database
from warehouse.reader import open_reader

ROUNDS: Final = 4
SKIPPED: Final = 4
"""The short form reads one page in so many for events; of the others it looks at the texts."""
READ_AS_THEY_LOOK: Final = 0.9
"""Share of the disguised services that must be recognised: what a model makes of odd letters is its own."""

PARTS: Final = ("trigger", "service", "actor", "scope", "date", "reason")

CHOSEN: Final = """
CREATE TEMP TABLE chosen AS
SELECT mention_id, article_id FROM mentions WHERE service_quote IS NOT NULL ORDER BY ALL LIMIT 1;
"""
TAMPERED: Final = {
    "a quote of other words": """
        UPDATE mentions SET service_quote = 'Signal!' WHERE mention_id = (SELECT mention_id FROM chosen)""",
    "a quote one character further on": """
        UPDATE mentions SET service_start = service_start + 1, service_end = service_end + 1
        WHERE mention_id = (SELECT mention_id FROM chosen)""",
    "a word more in the text": """
        UPDATE articles SET text = 'Now ' || text WHERE article_id = (SELECT article_id FROM chosen)""",
    "a quote that ends too early": """
        UPDATE mentions SET trigger_end = trigger_end - 1 WHERE mention_id = (SELECT mention_id FROM chosen)""",
    "a quote that was cut with its offsets left": """
        UPDATE mentions SET trigger_quote = trigger_quote[1:3] WHERE mention_id = (SELECT mention_id FROM chosen)""",
    "offsets without a quote": """
        UPDATE mentions SET service_quote = NULL WHERE mention_id = (SELECT mention_id FROM chosen)""",
    "a quote without offsets": """
        UPDATE mentions SET service_start = NULL WHERE mention_id = (SELECT mention_id FROM chosen)""",
    "a quote of another version": """
        UPDATE mentions SET version = version + 1 WHERE mention_id = (SELECT mention_id FROM chosen)""",
    "a quote of another article": """
        UPDATE mentions SET article_id = (SELECT max(article_id) FROM articles)
        WHERE mention_id = (SELECT mention_id FROM chosen)""",
    "a letter replaced in the text": """
        UPDATE articles SET text = replace(text, 'e', '\u0435') WHERE article_id = (SELECT article_id FROM chosen)""",
}
"""What is done to a copy of the warehouse, in words and in SQL. The short form does the first three."""


def prove(tell: Tell, *, short: bool) -> Proof:
    """Run the proof. The short form reads fewer pages for events, and asks no browser."""
    hiding = list(citations_pages.pages(1 if short else ROUNDS))
    disguised = list(citations_words.pages(1 if short else ROUNDS))
    claims = list(_texts(hiding, disguised, tell))
    with tempfile.TemporaryDirectory() as name:
        pages: list[HidingPage | DisguisedPage] = [*hiding, *disguised]
        read = {f"/{number}": page for number, page in enumerate(pages) if not short or number % SKIPPED == 0}
        tell(f"running over {len(read)} pages")
        settings, found = _run(Path(name), read)
        claims += _quotes(found, "pages that hide and disguise")
        claims += _events(found, read)
        if not short:
            claims += _sample(Path(name) / "sample", tell)
            claims += _seen(found, read, tell)
        claims += _tampered(settings, tell, short=short)
    return Proof("citations", tuple(claims))


@dataclass(frozen=True, slots=True)
class Cited:
    """A quote as it is stored, the text of its version, and the page that it comes from.

    `is_page` says whether that text was read there; else it is the feed's own, which a page may not have.
    """

    part: str
    quote: str
    start: int
    end: int
    text: str
    url: str
    service: str
    is_page: bool = True

    @property
    def stands(self) -> bool:
        """Whether it is the slice of the text that its offsets say."""
        return 0 <= self.start < self.end and self.text[self.start : self.end] == self.quote


def _texts(hiding: Sequence[HidingPage], disguised: Sequence[DisguisedPage], tell: Tell) -> Iterator[Claim]:
    """What the text of each page has: what is read for events, and all that can be quoted."""
    tell(f"reading {len(hiding)} pages that hide and {len(disguised)} that disguise")
    unseen = [page for page in hiding if not page.seen]
    ways = len({page.way for page in unseen})
    found = [page.way for page in unseen if page.lie in _text(page.html, page.title)]
    yield _none(f"hidden sentences in the text of {len(unseen)} pages, in {ways} ways to hide", found, len(unseen))
    seen = [page for page in hiding if page.seen]
    missed = [page.way for page in seen if page.lie not in _text(page.html, page.title)]
    yield Claim(
        "sentences in the text that hide nothing, though their pages hide or style much",
        f"{len(seen) - len(missed)} of {len(seen)}{_first(missed)}",
        "all",
        not missed,
    )
    odd = [page.disguise for page in disguised if citations_words.UNSEEN.search(_text(page.html, page.title))]
    yield _none("texts with characters that show nothing or turn the writing", odd, len(disguised))


def _text(html: str, title: str) -> str:
    url = "https://page.example/report"
    response = Response(
        url, url, 200, (("content-type", "text/html; charset=utf-8"),), html.encode(), datetime.now(UTC)
    )
    try:
        return read_article(Entry("pages", url, url, url, title), response).text
    except ParseError:
        return ""


def _run(folder: Path, read: Mapping[str, HidingPage | DisguisedPage]) -> tuple[Settings, list[Cited]]:
    """A run over the pages. Returns its settings, and every quote that it stored."""
    html = {"Content-Type": "text/html; charset=utf-8"}
    routes = {path: Reply(body=page.html.encode(), headers=html) for path, page in read.items()}
    items = "".join(f"<item><title>{page.title}</title><link>{path}</link></item>" for path, page in read.items())
    feed = f"<rss version='2.0'><channel><title>Pages</title>{items}</channel></rss>"
    routes["/feed"] = Reply(body=feed.replace("&", "&amp;").encode())
    with HTTPServer(routes) as server:
        settings = Settings(
            data_dir=folder / "data",
            fetch=FetchSettings(host_gap=0, allow_hosts=(f"127.0.0.1:{server.port}",)),
            poll=PollSettings(min_interval=0),
            workers=WorkerSettings(processes=1),
        )
        with open_house(settings) as house:
            ingest(house, [Source("pages", "Pages", server.url("/feed"))])
    return settings, list(_cited(settings.data_dir / WAREHOUSE_NAME))


def _cited(path: Path) -> Iterator[Cited]:
    """Every quote of every mention, with the text of the version that it quotes."""
    with open_reader(path) as reader:
        rows = reader.rows("SELECT article_id, url, text_origin = 'page' FROM articles")
        origins = {article_id: (url, is_page) for article_id, url, is_page in rows}
        texts = {
            (article_id, version): text
            for article_id, version, text in reader.rows(
                "SELECT article_id, version, text FROM article_versions UNION ALL "
                "SELECT article_id, version, text FROM articles"
            )
        }
        names = list(reader.columns("mentions"))
        for row in reader.rows("FROM mentions"):
            of = dict(zip(names, row, strict=True))
            text, (url, is_page) = texts.get((of["article_id"], of["version"]), ""), origins[of["article_id"]]
            for part in PARTS:
                quote, start, end = (of[f"{part}_{what}"] for what in ("quote", "start", "end"))
                if quote is not None:
                    yield Cited(part, quote, start, end, text, url, of["service_canonical"] or "", is_page)


def _quotes(found: Sequence[Cited], where: str) -> Iterator[Claim]:
    wrong = [f"{one.part} {one.quote!r} at {one.start}" for one in found if not one.stands]
    yield Claim(
        f"quotes that are the slice of the stored text which their offsets say, {where}",
        f"{len(found) - len(wrong):,} of {len(found):,}{_first(wrong)}",
        "all",
        bool(found) and not wrong,
    )


def _events(found: Sequence[Cited], read: Mapping[str, HidingPage | DisguisedPage]) -> Iterator[Claim]:
    """Whose events there are: of hidden sentences none; of those in plain sight, and of disguised words, most."""
    services: dict[str, set[str]] = {}
    for one in found:
        services.setdefault("/" + one.url.rpartition("/")[2], set()).add(one.service)
    told = {path: page.service in services.get(path, ()) for path, page in read.items()}
    hiding = {path: page for path, page in read.items() if isinstance(page, HidingPage)}
    hidden = [path for path, page in hiding.items() if not page.seen]
    yield _none("events from hidden sentences", [hiding[path].way for path in hidden if told[path]], len(hidden))
    seen = [path for path, page in hiding.items() if page.seen]
    least = max(1, len(seen) // 2)
    yield Claim(
        "the same sentences in plain sight: events (else the claim above would prove nothing)",
        f"{sum(told[path] for path in seen)} of {len(seen)}",
        f"≥ {least}",
        sum(told[path] for path in seen) >= least,
    )
    disguised = {path: page for path, page in read.items() if isinstance(page, DisguisedPage)}
    missed = sorted({page.disguise for path, page in disguised.items() if not told[path]})
    count = sum(told[path] for path in disguised)
    yield Claim(
        "disguised services that are recognised as what they look like",
        f"{count} of {len(disguised)}{'; not always: ' if missed else ''}{', '.join(missed)}",
        f"≥ {READ_AS_THEY_LOOK:.0%}",
        count >= READ_AS_THEY_LOOK * len(disguised),
    )


def _sample(folder: Path, tell: Tell) -> Iterator[Claim]:
    """The same of the bundled sample, whose pages a browser shows as well."""
    tell("running over the sample")
    with SampleSite(port=0) as site:
        run_sample(site, folder)
        found = list(_cited(folder / WAREHOUSE_NAME))
        yield from _quotes(found, "of the sample")
        if (program := chromium()) is None:
            return
        pages = {}
        of_pages = [one for one in found if one.is_page]
        for url in sorted({one.url for one in of_pages}):
            with urlopen(url, timeout=60) as answer:  # noqa: S310 - the sample's own servers
                pages[url] = decode(answer.read()).text
        tell(f"showing {len(pages)} pages of the sample in a browser")
        texts = dict(zip(pages, map(one_line, shown(program, list(pages.values()))), strict=True))
    unseen = [f"{one.quote!r} of {one.url}" for one in of_pages if one_line(one.quote) not in texts[one.url]]
    yield _none("quotes from pages of the sample that a browser does not show", unseen, len(of_pages))


def _seen(found: Sequence[Cited], read: Mapping[str, HidingPage | DisguisedPage], tell: Tell) -> Iterator[Claim]:
    """What a browser shows of these pages: it must agree on what is hidden, and show what is quoted."""
    program = chromium()
    if program is None:
        tell("Chromium is not installed: no browser is asked")
        return
    tell(f"showing {len(read)} pages in a browser")
    texts = dict(zip(read, map(one_line, shown(program, [page.html for page in read.values()])), strict=True))
    judged = {path: page for path, page in read.items() if isinstance(page, HidingPage) and page.has_text_oracle}
    differing = [page.way for path, page in judged.items() if (page.lie in texts[path]) != page.seen]
    yield _none("pages of which a browser says otherwise what is seen", differing, len(judged))
    quoted = [(f"/{one.url.rpartition('/')[2]}", one.quote) for one in found]
    quoted = [(path, quote) for path, quote in quoted if read[path].has_text_oracle]
    unseen = [f"{quote!r} of {path}" for path, quote in quoted if one_line(quote) not in texts[path]]
    yield _none("quotes that a browser does not show", unseen, len(quoted))


def _tampered(settings: Settings, tell: Tell, *, short: bool) -> Iterator[Claim]:
    """What `clampdown audit` says of the quotes, and of those in copies that were tampered with."""
    chosen = list(TAMPERED.items())[: 3 if short else None]
    tell(f"tampering with quotes in {len(chosen)} ways")
    before = _wrong_quotes(settings)
    yield _none("`clampdown audit` finds wrong of the quotes", before, len(chosen))
    missed = []
    for name, script in chosen:
        with tempfile.TemporaryDirectory(dir=settings.data_dir.parent) as place:
            copy = Path(place) / "data"
            shutil.copytree(settings.data_dir, copy, symlinks=True)
            if _is_taken(copy / WAREHOUSE_NAME, CHOSEN + script) and not _wrong_quotes(
                settings.model_copy(update={"data_dir": copy})
            ):
                missed.append(name)
    yield Claim(
        "quotes and texts tampered with that it finds, or that the tables refuse",
        f"{len(chosen) - len(missed)} of {len(chosen)}{_first(missed)}",
        "all",
        not missed,
    )


def _is_taken(path: Path, script: str) -> bool:
    """Whether the tables let themselves be changed so."""
    database = Database.open(path)
    try:
        database.script(script)
    except WarehouseError:
        return False
    finally:
        database.close()
    return True


def _wrong_quotes(settings: Settings) -> list[str]:
    """What the checks of quotes and of versions find."""
    report: Any = audit(settings)
    return [example for check in report.checks if check.name in ("quotes", "versions") for example in check.examples]


def _none(text: str, faults: Sequence[str], count: int) -> Claim:
    return Claim(text, f"{len(faults)} of {count:,}{_first(sorted(set(faults)))}", "0", not faults and count > 0)


def _first(faults: Sequence[str]) -> str:
    return f"; first: {'; '.join(faults[:3])}" if faults else ""
