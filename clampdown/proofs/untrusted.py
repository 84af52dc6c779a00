"""Proof that what publishers write stays text: on every page of the dashboard, in mails, digests, reports and feeds.

Payloads stand in every text of articles, sources and registries of a published snapshot. From it everything is made as
it is for readers: pages by HTTP, the mails' bytes, the files of feeds. Then each is parsed again, and searched for what
is alive. A twin, of harmless words, says what the templates themselves hold.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from functools import cached_property
from http.client import HTTPConnection
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from clampdown.proofs import hostile_words, payloads, untrusted_look
from clampdown.proofs.claims import Claim, Proof, Tell
from pipeline.alerts import Alert, Known
from pipeline.problems import Problem, ProblemKind
from reports import alert_text

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.subscriptions import Subscription
    from reports.digest import Digest

TEXTS: Final = (*payloads.MARKUP, *payloads.BREAKOUTS, *payloads.HEADERS, *payloads.ALL)
SHORT_TEXTS: Final = (*payloads.MARKUP, *payloads.BREAKOUTS, *payloads.HEADERS)[::5]
_WEB: Final = (*payloads.LOOK_ALIKES, "https://news.example/a", "http://news.example/b?c=<b>&d=\"'")
ADDRESSES: Final = tuple(one for pair in zip_longest(payloads.ADDRESSES, _WEB) for one in pair if one is not None)
"""Where articles lie, in turn: at what must be no link, and at what must be one."""

BATCH: Final = 60
"""Payloads in one snapshot: feeds and digests list so many events."""

HERE: Final = "https://readers.example"
PLACE: Final = alert_text.Place("clampdown", "watcher", "data", ZoneInfo("UTC"))
ASKED: Final = (
    "/?services={0}&day={0}&by={0}",
    "/services?q={0}&sort={0}&order={0}&page={0}",
    "/actors?q={0}",
    "/explore?q={0}&service={0}&sort={0}&page={0}",
    "/explore?country={0}&action={0}&since={0}&reason={0}&columns={0}",
    "/service/{0}",
    "/country/{0}",
    "/actor?name={0}&country={0}",
    "/event/{0}",
    "/event/{0}?mention={0}",
    "/health?source={0}",
    "/{0}",
)
"""Addresses of the dashboard with a payload in them."""

_PAGES: Final = ("/", "/services", "/countries", "/actors", "/explore", "/health", "/review")


@dataclass(slots=True)
class Found:
    """What was looked at, and what was wrong: live nodes, links that lead elsewhere, hosts that are not shown."""

    looked: int = 0
    live: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    linked: int = 0

    def look(self, name: str, live: Iterator[str] | Sequence[str], linked: Sequence[tuple[str, bool]] = ()) -> None:
        """Count one page, mail or file: what is alive in it, and its links with whether their host is shown."""
        self.looked += 1
        self.linked += len(linked)
        self.live += [f"{name}: {one}" for one in live]
        self.strange += [f"{name}: {address}" for address, _ in linked if not untrusted_look.is_web(address)]
        self.hidden += [f"{name}: {address}" for address, shown in linked if not shown]

    def claims(self, what: str) -> Iterator[Claim]:
        """Held against none."""
        yield _none(f"live nodes in {self.looked:,} {what}", self.live, self.looked)
        if self.linked:
            yield _none(f"  of {self.linked:,} links: not to the web, in ASCII", self.strange)
            yield _none("  links whose host is not shown beside them", self.hidden)


def _none(text: str, found: Sequence[str], looked: int = 1) -> Claim:
    first = f"; first {found[0][:200]}" if found else ""
    return Claim(text, f"{len(found)}{first}", "0", not found and looked > 0)


@dataclass(frozen=True)
class World:
    """A data folder whose published snapshot holds `texts`, and what is made of it for readers."""

    folder: Path
    texts: Sequence[str]

    @classmethod
    def published(cls, folder: Path, texts: Sequence[str], addresses: Sequence[str]) -> "World":
        """Store and publish."""
        folder.mkdir()
        hostile_words.publish(folder, texts, addresses=addresses)
        return cls(folder, texts)

    @cached_property
    def settings(self) -> "Settings":
        """The settings of a site whose readers can reach it."""
        from pipeline.settings import MailSettings, Settings

        mail = MailSettings(
            host="127.0.0.1", sender="Clampdown <proof@example.org>", public_url=HERE, unsubscribe_to="end@example.org"
        )
        return Settings(data_dir=self.folder, mail=mail)

    @cached_property
    def subscription(self) -> "Subscription":
        """One that an operator has given a payload as its title."""
        from pipeline.subscriptions import Subscription

        return Subscription("desk", self.texts[0], recipients=("reader@example.org",))

    @cached_property
    def digest(self) -> "Digest":
        """All that is there is new."""
        from flows.digest import preview_digest

        return preview_digest(self.settings, hostile_words.START + timedelta(days=1), self.subscription)

    def digests(self) -> Iterator["Digest"]:
        """The whole digest, and one for each item, whose words are in the subject."""
        from reports.digest import Findings

        yield self.digest
        for item in self.digest.findings.items:
            yield replace(self.digest, findings=Findings((replace(item, listed=True),)))

    def pages(self) -> Iterator[tuple[str, str]]:
        """Digests as pages, and the report."""
        from reports.digest_html import page_html
        from reports.report import read_report
        from reports.report_html import page
        from warehouse.query import EventFilter, connect_snapshot

        for number, digest in enumerate(self.digests()):
            yield f"digest {number}", page_html(digest)
        with connect_snapshot(self.folder / "published") as reader:
            told = read_report(reader, EventFilter(), datetime.now(UTC), most=500)
        yield "report", page(told, "UTC")

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """The bytes of the digests' mails, in HTML and in text, and of alerts."""
        from flows.digest_issue import mail_of
        from reports.mail import compose
        from reports.messages import as_bytes, digest_message, unsubscribing

        mail = self.settings.mail
        for number, whole in enumerate(self.digests()):
            form: Literal["html", "text"] = "text" if number % 4 == 3 else "html"
            digest = replace(whole, subscription=replace(self.subscription, format=form))
            rendered = mail_of(digest, mail, None, f"{HERE}/view/x")
            ways = unsubscribing(mail, b"secret", "desk", "reader@example.org")
            message = digest_message(mail, digest, rendered, "reader@example.org", ways)
            yield f"{form} mail {number}", as_bytes(mail, message)
        for number, alert in enumerate(self.alerts()):
            now = self.digest.made_at
            text = alert_text.body(alert, PLACE, now)
            message = compose(mail, ["ops@example.org"], alert_text.subject(alert, PLACE), text, now=now)
            yield f"text alert {number}", as_bytes(mail, message)

    def alerts(self) -> Iterator[Alert]:
        """That a source is silent whose name is a payload."""
        for number, text in enumerate(self.texts):
            problem = Problem(ProblemKind.SOURCE_SILENT, None, f"{text} has fallen silent", text, subject=text)
            yield Alert(str(number), (Known(problem, self.digest.made_at),), ())

    def hooks(self) -> Iterator[tuple[str, str]]:
        """What chat programs show of the alerts."""
        for number, alert in enumerate(self.alerts()):
            told = alert_text.webhook(alert, PLACE, self.digest.made_at)
            yield f"alert {number}", f"{told['text']}\n{told['content']}"

    def feeds(self) -> tuple[bytes, bytes]:
        """The bytes of the Atom feed and of the JSON feed."""
        from flows.outputs import write_feeds

        write_feeds(self.settings, [self.subscription])
        folder = self.folder / "feeds"
        return (folder / "desk.atom").read_bytes(), (folder / "desk.json").read_bytes()


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the templates make of harmless words."""

    pages: set[str]
    mails: dict[bool, set[str]]
    atom: set[str]
    json: set[str]

    @classmethod
    def of(cls, twin: World) -> "Allowed":
        """Look at the twin."""
        pages = {one for _, page in twin.pages() for one in untrusted_look.shape(page)}
        mails: dict[bool, set[str]] = {True: set(), False: set()}
        for name, content in twin.mails():
            mails[name.startswith("text")] |= untrusted_look.mail_shape(content)
        atom, told = twin.feeds()
        return cls(pages, mails, untrusted_look.atom_shape(atom), untrusted_look.json_shape(json.loads(told)))


def prove(tell: Tell, *, short: bool) -> Proof:
    """Fill snapshots, make everything of them, look. The full form has all payloads, and a browser if there is one."""
    texts = SHORT_TEXTS if short else tuple(dict.fromkeys(TEXTS))
    with tempfile.TemporaryDirectory(prefix="clampdown-payloads-") as name:
        folder = Path(name)
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        looks = Looks()
        for number, batch in enumerate(batches, 1):
            tell(f"{len(batch)} payloads in every field, {number} of {len(batches)}")
            twin = World.published(folder / f"twin-{number}", _harmless(batch), ("https://news.example/a",))
            world = World.published(folder / f"world-{number}", batch, ADDRESSES)
            looks.look(world, Allowed.of(twin), tell, with_browser=not short)
    return Proof("payloads", tuple(looks.claims(len(texts))), left_out=tuple(looks.left_out))


def _harmless(texts: Sequence[str]) -> list[str]:
    """As many words, no two the same: each payload of a batch has a twin of one or two words."""
    return [f"word{number}" if len(text) < 100 else f"word{number} " * 12 for number, text in enumerate(texts)]


@dataclass(slots=True)
class Looks:
    """What all looks found so far."""

    dashboard: Found = field(default_factory=Found)
    pages: Found = field(default_factory=Found)
    mails: Found = field(default_factory=Found)
    feeds: Found = field(default_factory=Found)
    hooks: Found = field(default_factory=Found)
    browser: Found = field(default_factory=Found)
    left_out: list[str] = field(default_factory=list)
    answers: dict[int, int] = field(default_factory=dict)
    punycode: int = 0

    def look(self, world: World, allowed: Allowed, tell: Tell, *, with_browser: bool) -> None:
        """Look at everything that is made of a world."""
        for name, page in world.pages():
            self.pages.look(name, sorted(untrusted_look.shape(page) - allowed.pages), _outside(page))
        for name, content in world.mails():
            live = untrusted_look.mail_shape(content) - allowed.mails[name.startswith("text")]
            parts = [one.get_content() for one in message_from_bytes(content, policy=policy.default).walk()
                     if not one.is_multipart()]  # fmt: skip
            linked = [link for part in parts if "<html" in part for link in _outside(part)]
            steering = [wrong for part in parts for wrong in untrusted_look.steering(part)]
            self.mails.look(name, [*sorted(live), *steering], linked)
        for name, shown in world.hooks():
            # Chat programs call people, and link, by these.
            self.hooks.look(name, [*untrusted_look.steering(shown), *re.findall("[<>@]", shown)])
        self._look_at_feeds(world, allowed)
        tell("every page of the dashboard")
        self._look_at_dashboard(world, with_browser=with_browser)

    def _look_at_feeds(self, world: World, allowed: Allowed) -> None:
        atom, document = world.feeds()
        told = json.loads(document)
        self.feeds.look(
            "Atom",
            sorted(untrusted_look.atom_shape(atom) - allowed.atom),
            [(address, True) for address in untrusted_look.atom_links(atom)],
        )
        html = [str(one["content_html"]) for one in told["items"]]
        linked = [link for one in html for link in _outside(f"<div>{one}</div>")]
        linked += [(one["url"], True) for one in told["items"] if "url" in one]
        live = sorted(untrusted_look.json_shape(told) - allowed.json)
        self.feeds.look("JSON feed", [*live, *(["</ in it"] if b"</" in document else [])], linked)

    def _look_at_dashboard(self, world: World, *, with_browser: bool) -> None:
        from flows.review_desk import open_desk
        from reports.dashboard.app import Setting, make_app
        from reports.dashboard.serving import served
        from reports.dashboard.snapshots import Snapshots

        workspace = world.folder / "workspace"
        workspace.mkdir()
        snapshots = Snapshots(world.folder / "published", workspace=workspace)
        with ExitStack() as stack:
            stack.callback(snapshots.close)
            desk = stack.enter_context(open_desk(world.settings))
            site = stack.enter_context(served(make_app(snapshots, Setting(ZoneInfo("UTC")), desk=desk)))
            good = self._ask(site, addresses(world))
            if with_browser:
                self._look_in_browser(site, good, world)

    def _ask(self, site: str, wanted: Sequence[str]) -> list[str]:
        """Ask for pages one after the other; returns the addresses that are there."""
        connection = HTTPConnection(urlsplit(site).netloc)
        good = []
        for address in wanted:
            connection.request("GET", address, headers={"Accept-Encoding": "identity"})
            answer = connection.getresponse()
            page = answer.read().decode("utf-8")
            self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
            strange = [] if answer.status in (200, 400, 404) else [f"status {answer.status}"]
            if answer.headers["content-type"] != "text/html; charset=utf-8":
                strange.append(f"content type {answer.headers['content-type']}")
            self.dashboard.look(address[:80], [*strange, *untrusted_look.wrong_in_page(page)], _outside(page))
            self.punycode += "xn--" in page
            if answer.status == 200:
                good.append(address)
        connection.close()
        return good

    def _look_in_browser(self, site: str, good: Sequence[str], world: World) -> None:
        from clampdown.proofs.untrusted_browser import chromium, look

        path = chromium()
        if path is None:
            why = "Chromium or Playwright is not installed: pages were parsed, not shown in a browser"
            self.left_out[:] = [why]
            return
        mails = [page for _, page in world.pages()]
        for name, wrong in look(path, site, good, mails):
            self.browser.look(name, wrong)

    def claims(self, texts: int) -> Iterator[Claim]:
        """All that was looked at, in words."""
        yield Claim("payloads in every field that publishers write", f"{texts:,}", "≥ 1", texts > 0)
        yield from self.dashboard.claims("pages of the dashboard")
        told = ", ".join(f"{status}: {number:,}" for status, number in sorted(self.answers.items()))
        good = set(self.answers) <= {200, 400, 404} and self.answers.get(200, 0) > self.dashboard.looked // 4
        yield Claim("  their answers", told, "200; 400 or 404 where a payload is asked for", good)
        yield Claim("  pages that tell a look-alike host in ASCII", f"{self.punycode:,}", "≥ 1", self.punycode > 0)
        yield from self.pages.claims("digests as pages, and reports")
        yield from self.mails.claims("mails: nodes, headers, parts, steering characters")
        yield from self.feeds.claims("feeds, Atom and JSON")
        yield from self.hooks.claims("webhooks: calls, links, steering characters")
        if self.browser.looked:
            yield from self.browser.claims("pages in Chromium: scripts, dialogs, errors, requests to elsewhere")


def _outside(page: str) -> list[tuple[str, bool]]:
    """Links to the outside that are not to our own site."""
    return [(address, shown) for address, shown in untrusted_look.links(page)
            if not address.startswith((f"{HERE}/", "mailto:end@example.org"))]  # fmt: skip


def addresses(world: World) -> list[str]:
    """Every sort of page, each payload's own pages, and each payload in what is asked."""
    from reports.dashboard import links
    from warehouse.query import EventFilter, connect_snapshot, events

    with connect_snapshot(world.folder / "published") as reader:
        told = events(reader, EventFilter())
    found = [*_PAGES, *(links.country(code) for code in ("US", "KR", "EU", "XX"))]
    for place, event in enumerate(told):
        found.append(links.event(event.id))
        if place % 2 or event.actor is None:
            found.append(links.service(event.service))
        else:
            found.append(links.actor(event.actor, event.country))
    asked = [quote(text[:500], safe="", errors="replace") for text in world.texts]
    found += [ASKED[number % len(ASKED)].format(one) for number, one in enumerate(asked)]
    return found
