"""The stories of the made-up world of `digest_world`: what happens on each of its days, in the words of its papers."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

from extractors import registries
from pipeline.site_state import Trouble
from pipeline.stories import sign
from pipeline.types import (
    Action,
    ActorKind,
    ArchiveRef,
    Article,
    DateBasis,
    Entry,
    EntryResult,
    Mention,
    Outcome,
    Quote,
    ReasonClass,
    Revisit,
    RevisitOutcome,
    ScopeClass,
    Stamp,
    Status,
    TextOrigin,
)

FIRST = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
"""Monday: the first run. Digests are made at seven in Berlin, so the first one is Tuesday's."""

DAY = timedelta(days=1)

_NUMBERS = count(1)

OUTLETS = {
    "courier": ("The Northern Courier", "Courier Group"),
    "herald": ("Harbour Herald", None),
    "standard": ("The Daily Standard", None),
    "wire": ("Meridian Wire", None),
    "techpost": ("The Tech Post", "Courier Group"),
    "gazette": ("Capital Gazette", None),
}


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


def thousand() -> tuple[Story, ...]:
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
