"""A small made-up world of news: nine days in which everything happens that a digest can tell of, one thing a day.

Stories go into a real warehouse, run by run, and each morning the digests are made. `python tests/digest_world.py`
writes what comes out into `tests/digests`: what one reader was mailed, for people to read and for tests to compare.
"""

import email
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path

from extractors import registries
from flows.digest import make_digests
from flows.digest_report import DigestReport
from pipeline import site_state
from pipeline.decision_types import Anchor, Decision, DecisionKind
from pipeline.flow_log import FlowLog
from pipeline.outbox import Outbox, batch_of
from pipeline.settings import MailSettings, ServeSettings, Settings
from pipeline.site_state import SiteState, Trouble
from pipeline.stories import sign
from pipeline.types import (
    Action,
    ActorKind,
    ArchiveRef,
    Article,
    DateBasis,
    Entry,
    EntryResult,
    FeedOutcome,
    FeedState,
    Mention,
    Outcome,
    Poll,
    Quote,
    ReasonClass,
    Revisit,
    RevisitOutcome,
    ScopeClass,
    Source,
    Stamp,
    Status,
    TextOrigin,
)
from warehouse.store import open_warehouse

GOLDEN = Path(__file__).parent / "digests"
FIRST = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
"""Monday: the first run. Digests are made at seven in Berlin, so the first one is Tuesday's."""

DAY = timedelta(days=1)
READER = "reader@example.org"
SITUATIONS = (
    "first ever", "quiet", "busy", "lift", "retraction", "merge", "partial coverage", "late discovery",
    "proposed only", "thousand new",
)  # fmt: skip
"""What each morning brings, from Tuesday 3 November on."""

OUTLETS = {
    "courier": ("The Northern Courier", "Courier Group"),
    "herald": ("Harbour Herald", None),
    "standard": ("The Daily Standard", None),
    "wire": ("Meridian Wire", None),
    "techpost": ("The Tech Post", "Courier Group"),
    "gazette": ("Capital Gazette", None),
}
_SOURCES = tuple(
    Source(name, title, f"https://{name}.example/feed", owner=owner) for name, (title, owner) in OUTLETS.items()
)
_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Story:
    """An article with one sentence that matters, in which `actor`, `verb`, `service` … are words of that sentence.

    `of` is an earlier story of which this is a later version; one without a `verb` states nothing. `also` are further
    sentences of the same article.
    """

    outlet: str
    title: str
    sentence: str
    service: str = ""
    verb: str = ""
    country: str = "XX"
    actor: str | None = None
    body: str | None = None
    kind: ActorKind = ActorKind.GOVERNMENT
    action: Action = Action.BLOCK
    status: Status = Status.IN_FORCE
    scope: str | None = None
    scope_class: ScopeClass | None = None
    when: str | None = None
    value: str | None = None
    reason: str | None = None
    reasons: tuple[ReasonClass, ...] = ()
    score: float = 0.93
    published: date | None = None
    of: "Story | None" = None
    also: "tuple[Story, ...]" = ()
    number: int = field(default_factory=lambda: next(_NUMBERS))

    def entry(self, day: date) -> Entry:
        """What the outlet's feed says of it."""
        number = self.number if self.of is None else self.of.number
        url = f"https://{self.outlet}.example/{number:04d}"
        stamp = Stamp(self.published or day, DateBasis.FEED)
        return Entry(self.outlet, f"id-{number}", url, url, self.title, published=stamp, language="en")

    def result(self, of: Entry, at: datetime) -> EntryResult:
        """What reading it comes to."""
        said = " ".join([self.sentence, *(one.sentence for one in self.also)])
        text = f"{self.title}\n\n{said} Item {of.guid} of {self.outlet}; there was no further comment on it."
        article = Article(
            of.canonical_url, of.canonical_url, self.outlet, self.title, text, TextOrigin.PAGE, of.published, "en", at,
            site=f"{self.outlet}.example",
        )  # fmt: skip
        body_hash, signature = sign(article.body)
        found = tuple(one.mention(article) for one in (self, *self.also) if one.verb)
        return EntryResult(
            of.id, Outcome.EVENTS if found else Outcome.NO_EVENT, article=article, signature=signature,
            archived=ArchiveRef("2026/11/02/pages.warc.gz", 0, 512, "cd" * 32), body_hash=body_hash, mentions=found,
            revisit=None if self.of is None else Revisit(RevisitOutcome.CHANGED, at),
        )  # fmt: skip

    def mention(self, of: Article) -> Mention:
        """What it states, with its words."""
        begin = of.text.index(self.sentence)

        def quote(words: str | None) -> Quote | None:
            if words is None:
                return None
            start = of.text.index(words, begin)
            return Quote(words, start, start + len(words))

        trigger, service = quote(self.verb), quote(self.service)
        assert trigger is not None
        assert service is not None
        return Mention(
            of.id, self.action, self.status, trigger, service, self.service, self.country, quote(self.actor),
            self.body or self.actor, self.kind if self.actor else None, quote(self.scope), self.scope_class,
            quote(self.when), self.value, quote(self.reason), self.reasons, self.score,
            {"trigger": self.score}, "made-up-1",
        )  # fmt: skip


class World:
    """A site, as it stands after the runs so far, and its one subscription with one reader."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(
            data_dir=folder,
            subscriptions=folder / "subscriptions.toml",
            # Three runs a day are the usual here: a night without one is no gap.
            serve=ServeSettings(timezone="Europe/Berlin", ingest_every=8 * 3600.0),
            mail=MailSettings(
                host="mail.example.org", sender="Clampdown <digest@example.org>", public_url="https://news.example.org"
            ),
        )
        self.settings.subscriptions.write_text(
            f'[[subscription]]\nid = "daily"\ntitle = "Daily digest"\nrecipients = ["{READER}"]\n', "utf-8"
        )
        # Links are signed with it, and are to be the same each time.
        (folder / "state").mkdir(parents=True, exist_ok=True)
        (folder / "state" / "secret").write_bytes(b"\x07" * 32)

    def run(self, at: datetime, *stories: Story, same: Sequence[Story] = (), trouble: Sequence[Trouble] = ()) -> None:
        """A run that reads these and publishes; `same` are two stories that a person calls one."""
        with FlowLog(self.folder, clock=lambda: at).running("ingest"):
            pass
        entries = [story.entry(at.date()) for story in stories]
        with open_warehouse(self.folder / "warehouse.duckdb") as warehouse:
            warehouse.sync_sources(_SOURCES)
            warehouse.sync_registries(registries.services(), (), registries.countries())
            run_id = warehouse.run_id(at)
            warehouse.begin_run(run_id, at, mode="test", model="made-up-1", version="0")
            fresh = [one for one, story in zip(entries, stories, strict=True) if story.of is None]
            for outlet in sorted({one.source_id for one in fresh}):
                some = tuple(one for one in fresh if one.source_id == outlet)
                warehouse.store_polls(
                    run_id,
                    [
                        Poll(
                            outlet, FeedOutcome.OK, state=FeedState(outlet), entries=some, fetched_at=at,
                            archived=ArchiveRef("2026/11/02/feed.warc.gz", 0, 512, "ab" * 32),
                        )
                    ],
                )  # fmt: skip
            results = [story.result(one, at) for story, one in zip(stories, entries, strict=True)]
            for begin in range(0, len(results), 250):
                warehouse.store_batch(run_id, results[begin : begin + 250])
            if same:
                warehouse.decide(run_id, [_called_one(*same, at)])
            warehouse.finish_run(run_id, at + timedelta(minutes=10), "finished")
            warehouse.publish(self.folder / "published", manifest={"model": "made-up-1"})
        states = {"ok": len(OUTLETS) - len(trouble)}
        for one in trouble:
            states[one.state] = states.get(one.state, 0) + 1
        site_state.save(self.folder, SiteState(at, sources=states, trouble=tuple(trouble)))

    def morning(self, day: date) -> DigestReport:
        """The digest of that day, made at seven."""
        (report,) = make_digests(self.settings, datetime(day.year, day.month, day.day, 6, 0, tzinfo=UTC))
        return report

    def mail(self, report: DigestReport) -> EmailMessage:
        """What the reader is sent."""
        import json

        record = report.files[-1]
        batch = batch_of(json.loads(record.read_bytes()), report.subscription, record.stem)
        (entry,) = batch.entries
        found = email.message_from_bytes(Outbox(self.folder).message(entry), policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found


def _called_one(one: Story, other: Story, at: datetime) -> Decision:
    anchors = []
    for story in (one, other):
        of = story.entry(at.date())
        found = story.mention(_read(story, of, at))
        anchors.append((Anchor(found.id, found.document_id, found.action, found.service_canonical),))
    return Decision(DecisionKind.SAME, "Ada", at, "one order, told by two papers", *anchors)


def _read(story: Story, of: Entry, at: datetime) -> Article:
    read = story.result(of, at).article
    assert read is not None
    return read


KENYA = "The Communications Authority of Kenya"
TANZANIA = "Tanzania's communications regulator"
NORWAY = Story(
    "herald", "Norway bans TikTok for recruits", "Norway's defence ministry banned TikTok for recruits on 4 November.",
    "TikTok", "banned", "NO", "Norway's defence ministry", "Norwegian Ministry of Defence", ActorKind.MINISTRY,
    Action.BAN, scope="recruits", scope_class=ScopeClass.MILITARY, when="on 4 November", value="2026-11-04",
)  # fmt: skip
NEPAL = Story(
    "gazette", "Bill would ban Discord in Nepal",
    "Nepal's government proposed to ban Discord for all users over unregistered operations.",
    "Discord", "ban", "NP", "Nepal's government", "Government of Nepal", action=Action.BAN, status=Status.PROPOSED,
    reason="unregistered operations", reasons=(ReasonClass.LEGAL,),
)  # fmt: skip
BRAZIL = Story(
    "wire", "Supreme court suspends X in Brazil",
    "Brazil's Supreme Federal Court suspended X throughout Brazil on 30 October after it named no representative.",
    "X", "suspended", "BR", "Brazil's Supreme Federal Court", "Supreme Federal Court of Brazil", ActorKind.COURT,
    Action.SUSPEND, scope="Brazil", scope_class=ScopeClass.NATIONWIDE, when="on 30 October", value="2026-10-30",
    reason="named no representative", reasons=(ReasonClass.LEGAL,),
)  # fmt: skip
TWO_TALES = (
    Story(
        "techpost", "Telegram slow in Tanzania", f"{TANZANIA} has limited Telegram since Tuesday, users in Arusha say.",
        "Telegram", "limited", "TZ", TANZANIA, "Tanzania Communications Regulatory Authority", ActorKind.REGULATOR,
        Action.LIMIT, when="since Tuesday", value="2026-11-03", score=0.41,
    ),
    Story(
        "herald", "Messenger unreachable in Dodoma",
        "Officials in Tanzania blocked Telegram in several cities, two providers said.",
        "Telegram", "blocked", "TZ", "Officials in Tanzania", None, scope="several cities",
        scope_class=ScopeClass.SUBNATIONAL, score=0.44,
    ),
)  # fmt: skip

FIRST_DAY = (
    Story(
        "courier", "Kenya blocks Telegram during exams",
        f"{KENYA} blocked Telegram nationwide on Sunday, saying that exam papers were being sold there.",
        "Telegram", "blocked", "KE", KENYA, "Communications Authority of Kenya", ActorKind.REGULATOR,
        scope="nationwide", scope_class=ScopeClass.NATIONWIDE, when="on Sunday", value="2026-11-01",
        reason="exam papers were being sold there", reasons=(ReasonClass.PUBLIC_ORDER,),
    ),
    Story(
        "wire", "Telegram goes dark in Kenya",
        f"{KENYA} blocked Telegram on Sunday for the length of the school examinations.",
        "Telegram", "blocked", "KE", KENYA, "Communications Authority of Kenya", ActorKind.REGULATOR,
        scope=None, when="on Sunday", value="2026-11-01",
    ),
    Story(
        "standard", "Italian watchdog limits DeepSeek",
        "The Garante ordered DeepSeek to be limited in Italy on 31 October, citing privacy concerns.",
        "DeepSeek", "limited", "IT", "The Garante", "Garante per la protezione dei dati personali",
        ActorKind.DATA_PROTECTION, Action.LIMIT, when="on 31 October", value="2026-10-31",
        reason="privacy concerns", reasons=(ReasonClass.PRIVACY,),
    ),
    BRAZIL,
    NEPAL,
    Story(
        "techpost", "Signal next?", "An adviser hinted that Belarus might have blocked Signal for a few hours.",
        "Signal", "blocked", "BY", None, score=0.31,
    ),
)  # fmt: skip
BUSY = (
    Story(
        "wire", "Uganda follows Kenya on Telegram",
        "The Uganda Communications Commission blocked Telegram nationwide on Tuesday, citing leaked exam papers.",
        "Telegram", "blocked", "UG", "The Uganda Communications Commission", "Uganda Communications Commission",
        ActorKind.REGULATOR, scope="nationwide", scope_class=ScopeClass.NATIONWIDE,
        when="on Tuesday", value="2026-11-03", reason="leaked exam papers", reasons=(ReasonClass.PUBLIC_ORDER,),
    ),
    Story(
        "courier", "Telegram blocked in Uganda, too",
        "The Uganda Communications Commission blocked Telegram on Tuesday, providers confirmed.",
        "Telegram", "blocked", "UG", "The Uganda Communications Commission", "Uganda Communications Commission",
        ActorKind.REGULATOR, when="on Tuesday", value="2026-11-03",
    ),
    Story(
        "gazette", "Ban on Discord takes force in Nepal",
        "Nepal's government banned Discord for all users on Tuesday over unregistered operations.",
        "Discord", "banned", "NP", "Nepal's government", "Government of Nepal", action=Action.BAN,
        scope="all users", scope_class=ScopeClass.NATIONWIDE, when="on Tuesday", value="2026-11-03",
        reason="unregistered operations", reasons=(ReasonClass.LEGAL,),
    ),
    NORWAY,
    Story(
        "standard", "Australia bans DeepSeek from offices",
        "The Department of Home Affairs banned DeepSeek on all government devices on 3 November over security risks.",
        "DeepSeek", "banned", "AU", "The Department of Home Affairs", "Australian Department of Home Affairs",
        ActorKind.MINISTRY, Action.BAN, scope="all government devices", scope_class=ScopeClass.GOVERNMENT_DEVICES,
        when="on 3 November", value="2026-11-03",
        reason="security risks", reasons=(ReasonClass.NATIONAL_SECURITY,),
    ),
    Story(
        "wire", "Russia to slow WhatsApp",
        "Roskomnadzor will limit WhatsApp calls from 1 December, citing fraud.",
        "WhatsApp", "limit", "RU", "Roskomnadzor", "Roskomnadzor", ActorKind.REGULATOR, Action.LIMIT, Status.ANNOUNCED,
        when="from 1 December", value="2026-12-01", reason="fraud", reasons=(ReasonClass.SECURITY,),
    ),
    Story(
        "techpost", "Brussels opens inquiry into Temu",
        "The European Commission opened an inquiry into Temu on Tuesday over unsafe toys.",
        "Temu", "inquiry", "EU", "The European Commission", "European Commission", ActorKind.INTERNATIONAL,
        Action.INVESTIGATE, when="on Tuesday", value="2026-11-03", reason="unsafe toys", reasons=(ReasonClass.SAFETY,),
    ),
    Story(
        "standard", "Fine for TikTok in France",
        "France's data protection authority fined TikTok 5 million euros on Wednesday for tracking children.",
        "TikTok", "fined", "FR", "France's data protection authority", "CNIL", ActorKind.DATA_PROTECTION,
        Action.PENALIZE, when="on Wednesday", value="2026-11-04",
        reason="tracking children", reasons=(ReasonClass.CHILD_PROTECTION,),
    ),
    *TWO_TALES,
)  # fmt: skip
LIFT = (
    Story(
        "wire", "X back in Brazil",
        "Brazil's Supreme Federal Court lifted the suspension of X throughout Brazil on 5 November.",
        "X", "lifted", "BR", "Brazil's Supreme Federal Court", "Supreme Federal Court of Brazil", ActorKind.COURT,
        Action.LIFT, scope="Brazil", scope_class=ScopeClass.NATIONWIDE, when="on 5 November", value="2026-11-05",
    ),
    Story(
        "courier", "Brazilians return to X",
        "Brazil's Supreme Federal Court lifted its suspension of X on 5 November, after a representative was named.",
        "X", "lifted", "BR", "Brazil's Supreme Federal Court", "Supreme Federal Court of Brazil", ActorKind.COURT,
        Action.LIFT, when="on 5 November", value="2026-11-05",
    ),
)  # fmt: skip
RETRACTION = (
    Story("herald", "Retracted: Norway and TikTok", "This article has been retracted. No such ban exists.", of=NORWAY),
)
PARTIAL = (
    Story(
        "standard", "Vietnam removes Steam from stores",
        "Vietnam's Ministry of Information removed Steam from local networks on 8 November over unlicensed games.",
        "Steam", "removed", "VN", "Vietnam's Ministry of Information", "Vietnamese Ministry of Information",
        ActorKind.MINISTRY, Action.REMOVE, when="on 8 November", value="2026-11-08",
        reason="unlicensed games", reasons=(ReasonClass.LEGAL,),
    ),
)  # fmt: skip
TROUBLE = (
    Trouble("wire", "Meridian Wire", "failing", FIRST + 4 * DAY, "HTTP 503", 9),
    Trouble("herald", "Harbour Herald", "silent", FIRST + 3 * DAY),
)
LATE = (
    Story(
        "gazette", "How Chad lost WhatsApp",
        "Chad's telecoms regulator blocked WhatsApp nationwide on 12 March after protests.",
        "WhatsApp", "blocked", "TD", "Chad's telecoms regulator", "ARCEP Chad", ActorKind.REGULATOR,
        scope="nationwide", scope_class=ScopeClass.NATIONWIDE, when="on 12 March", value="2026-03-12",
        published=date(2026, 3, 14),
        reason="after protests", reasons=(ReasonClass.PUBLIC_ORDER,),
    ),
)  # fmt: skip
PROPOSED = (
    Story(
        "courier", "Malaysia weighs age limit for Instagram",
        "Malaysia's communications ministry proposed to ban Instagram for children under 16 to protect them.",
        "Instagram", "ban", "MY", "Malaysia's communications ministry", "Malaysian Ministry of Communications",
        ActorKind.MINISTRY, Action.BAN, Status.PROPOSED, scope="children under 16", scope_class=ScopeClass.MINORS,
        reason="to protect them", reasons=(ReasonClass.CHILD_PROTECTION,),
    ),
    Story(
        "standard", "Senators want DJI drones grounded",
        "Senators in the United States proposed to ban DJI drones in critical infrastructure over security risks.",
        "DJI drones", "ban", "US", "Senators in the United States", "United States Senate", ActorKind.LEGISLATURE,
        Action.BAN, Status.PROPOSED, scope="critical infrastructure",
        scope_class=ScopeClass.CRITICAL_INFRASTRUCTURE, reason="security risks",
        reasons=(ReasonClass.NATIONAL_SECURITY,),
    ),
)  # fmt: skip


def _thousand() -> tuple[Story, ...]:
    """A day on which forty services are blocked in each of 25 countries."""
    services = [service.name for service in registries.services() if service.category in ("social", "messaging")][:40]
    countries = [country for country in registries.countries() if len(country.code) == 2][:25]
    assert (len(services), len(countries)) == (40, 25)
    outlets = list(OUTLETS)
    told = []
    for number, service in enumerate(services):
        first, *others = (
            Story(
                outlets[number % len(outlets)], f"Who blocks {service} from today",
                f"On 11 November the government of {country.name} blocked {service} nationwide.",
                service, "blocked", country.code, f"the government of {country.name}", f"Government of {country.name}",
                scope="nationwide", scope_class=ScopeClass.NATIONWIDE, when="On 11 November", value="2026-11-11",
                number=2000 + number,
            )
            for country in countries
        )  # fmt: skip
        told.append(replace(first, also=tuple(others)))
    return tuple(told)


def live(folder: Path) -> Iterator[tuple[str, World, DigestReport]]:
    """Live through the ten days. Yields each morning's situation and digest."""
    world = World(folder)
    days: dict[str, tuple[Story, ...]] = dict.fromkeys(SITUATIONS, ())
    days |= {"first ever": FIRST_DAY, "busy": BUSY, "lift": LIFT, "retraction": RETRACTION, "partial coverage": PARTIAL}
    days |= {"late discovery": LATE, "proposed only": PROPOSED, "thousand new": _thousand()}
    for number, (situation, stories) in enumerate(days.items()):
        world.run(
            FIRST + number * DAY, *stories,
            same=TWO_TALES if situation == "merge" else (),
            trouble=TROUBLE if situation == "partial coverage" else (),
        )  # fmt: skip
        yield situation, world, world.morning((FIRST + (number + 1) * DAY).date())


def pages(mail: EmailMessage) -> dict[str, bytes]:
    """A mail as files: its text, its HTML, and the picture, which the HTML names as the file that it is here."""
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    page = re.sub(r'"cid:[^"]+"', '"week.png"', html.get_content())
    found = {"digest.txt": text.get_content().encode(), "digest.html": page.encode()}
    for part in mail.walk():
        if part.get_content_type() == "image/png":
            found["week.png"] = part.get_payload(decode=True)
    return found


def folder_of(situation: str) -> Path:
    """Where the golden digest of a situation is."""
    return GOLDEN / situation.replace(" ", "-")


def main() -> None:
    """Write the golden digests anew."""
    with tempfile.TemporaryDirectory() as name:
        for situation, world, report in live(Path(name)):
            shutil.rmtree(folder_of(situation), ignore_errors=True)
            folder_of(situation).mkdir(parents=True)
            for file, content in pages(world.mail(report)).items():
                (folder_of(situation) / file).write_bytes(content)
            print(f"{situation}: {report.subject}")  # a script


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    sys.exit(main())
