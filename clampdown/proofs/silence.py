"""A source that falls silent is noticed, in every place that tells of sources, and nothing else is held up by it.

Feeds of known pace are read day by day through months, by real runs over HTTP whose time is the feeds' own. Then some
bring nothing more, fail, or lead to a feed without items. Others, as irregular as publishers are, go on.
"""

import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clampdown.proofs import silence_world
from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.silence_world import DAY, START, Feeds, Outlet
from flows.house import House, open_house
from flows.ingest import RunReport, Stages, ingest
from flows.site_state import note_state
from pipeline.errors import FetchError
from pipeline.protocols import Session
from pipeline.settings import FetchSettings, Settings, WorkerSettings
from pipeline.silence import IMPLAUSIBLE, SHORTEST_SILENCE
from pipeline.types import FetchRequest, Response
from warehouse.snapshot import Snapshot

if TYPE_CHECKING:
    from warehouse.health import SourceHealth

SEED: Final = 12
MOST_ALARMS: Final = 1.0
"""False alarms in a year of a healthy source, on average over all."""

OFTEN: Final = 10.0
"""Items a week of sources that a week without any of them must show in the trends."""

LATER: Final = 2.0
"""How many times as long as the stated pace asks for a silence may last where the pace had to be learnt."""

_SEEN: Final = ("summary", "status", "sources check", "dashboard", "digest")
"""Where people see how the sources fare."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many days, and how far runs lie apart."""

    outlets: Sequence[Outlet]
    days: int
    every: timedelta = DAY


SHORT: Final = Plan(silence_world.short_world(), 22)


@dataclass(slots=True)
class Seen:
    """What runs saw: when each source was first called silent or failing after its end, and what was called so before.

    `alarms` are healthy sources with the day on which they were called silent.
    """

    runs: int = 0
    unfinished: int = 0
    noticed: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    alarms: list[tuple[str, datetime]] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    well_days: float = 0.0
    stored: int = 0
    published: int = 0
    places: dict[str, set[str]] = field(default_factory=dict)
    covered: tuple[int, float] = (0, 0.0)


def prove(tell: Tell, *, short: bool, plan: Plan | None = None) -> Proof:
    """Live through the days, then look where it shows. The full form is half a year of 58 sources."""
    plan = plan or (SHORT if short else Plan(silence_world.full_world(182, SEED), 182))
    with tempfile.TemporaryDirectory(prefix="clampdown-silence-") as name:
        folder = Path(name)
        with Feeds(plan.outlets, plan.days, SEED) as feeds:
            settings = _settings(folder, feeds)
            seen = Seen()
            with open_house(settings, poll_all=True) as house:
                report = _live(house, feeds, plan, seen, tell)
                _count_stored(house, feeds, plan, seen)
                last = START + plan.days * DAY
                note_state(_at(house, last), report)
            tell("looking where it shows")
            seen.places = {"summary": set(report.summary.silent)} | dict(_places(settings, plan))
            seen.covered = _covered(settings)
    return Proof("silence", tuple(_claims(plan, seen)), {"noticed": _noticed(plan, seen)})


def _settings(folder: Path, feeds: Feeds) -> Settings:
    return Settings(
        data_dir=folder / "data",
        sources=folder / "sources.toml",
        fetch=FetchSettings(allow_hosts=feeds.allow_hosts, host_gap=0, retries=0, timeout=120),
        workers=WorkerSettings(processes=1),
    )


def _live(house: House, feeds: Feeds, plan: Plan, seen: Seen, tell: Tell) -> RunReport:
    """Run after run, each at its time; the last one publishes."""
    moments = [START + number * plan.every for number in range(int(plan.days * DAY / plan.every) + 1)]
    for moment in moments:
        feeds.switch(moment)
        now = _at(house, moment)
        do = Stages() if moment == moments[-1] else Stages(publish=_unpublished)
        report = ingest(now, feeds.sources(), do)
        seen.runs += 1
        seen.unfinished += report.summary.status != "finished"
        _note(seen, plan, house.warehouse.source_health(), moment)
        if seen.runs % 30 == 0:
            tell(f"day {(moment - START).days} of {plan.days}: {len(seen.noticed)} noticed, {len(seen.alarms)} alarms")
    return report


@dataclass(frozen=True, slots=True)
class _SessionAt:
    """A session whose answers come at the moment of the run: `pipeline.protocols.Session`."""

    session: Session
    moment: datetime

    def fetch_all(self, requests: Sequence[FetchRequest]) -> list[Response | FetchError]:
        """Fetch, and date the answers."""
        found = self.session.fetch_all(requests)
        return [replace(one, fetched_at=self.moment) if isinstance(one, Response) else one for one in found]

    def sitemaps(self, urls: Sequence[str]) -> list[tuple[str, ...]]:
        """Those of the session."""
        return self.session.sitemaps(urls)


def _at(house: House, moment: datetime) -> House:
    """The same tools at a moment of the feeds' time."""
    return replace(house, started_at=moment, clock=lambda: moment, session=_SessionAt(house.session, moment))


def _unpublished(house: House) -> Snapshot:
    folder = house.settings.data_dir
    return Snapshot(folder, folder, folder, published_at=house.started_at, counts={}, changed=False)


def _note(seen: Seen, plan: Plan, health: "Mapping[str, SourceHealth]", moment: datetime) -> None:
    for outlet in plan.outlets:
        state = health[outlet.id].state
        is_well = outlet.trouble is None or moment < START + outlet.ends * DAY
        if is_well:
            seen.well_days += plan.every / DAY
            if state == "silent" and outlet.id not in seen.silent:
                seen.alarms.append((outlet.id, moment))
        elif state in ("silent", "failing", "gone") and outlet.id not in seen.noticed and outlet.id not in seen.silent:
            seen.noticed[outlet.id] = state, moment
        (seen.silent.add if state == "silent" else seen.silent.discard)(outlet.id)


def _count_stored(house: House, feeds: Feeds, plan: Plan, seen: Seen) -> None:
    """Items of all, against what came to be stored of them."""
    last = START + plan.days * DAY
    first = {outlet.id: len([one for one in feeds.moments[outlet.id] if one <= START]) for outlet in plan.outlets}
    for outlet in plan.outlets:
        came = len(feeds.published(outlet, last))
        if outlet.trouble in ("failing", "emptied"):
            # What came after the last run that could read it, nobody has seen.
            runs = math.ceil(outlet.ends * DAY / plan.every)
            came = len(feeds.published(outlet, START + (runs - 1) * plan.every))
        # Of what came before the first run, the feed held the newest.
        seen.published += came - max(0, first[outlet.id] - silence_world.LISTED)
    totals = house.warehouse.totals()
    seen.stored = totals.entries - totals.pending - totals.retrying


def _places(settings: Settings, plan: Plan) -> Iterator[tuple[str, set[str]]]:
    """The names of sources in trouble, as the commands, the dashboard and a digest tell them."""
    names = {outlet.id: outlet.name for outlet in plan.outlets}
    told = _command(settings, "status")
    yield "status", {one["name"] for one in told["state"]["trouble"]}
    told = _command(settings, "sources", "check")
    yield "sources check", {names[one["source_id"]] for one in told if one["state"] in ("silent", "failing", "gone")}
    rows = [row for page in _health_pages(settings) for row in _rows(page)]
    yield "dashboard", {name for name in names.values() if any(name in row for row in rows)}
    yield "digest", _in_digest(settings, plan)


def _command(settings: Settings, *words: str) -> Any:
    """What the command says as JSON."""
    from typer.testing import CliRunner

    from clampdown.main import app

    done = CliRunner().invoke(app, ["--data-dir", str(settings.data_dir), *words, "--json"])
    return json.loads(done.stdout)


def _health_pages(settings: Settings) -> list[str]:
    from http.client import HTTPConnection
    from urllib.parse import urlsplit
    from zoneinfo import ZoneInfo

    from reports.dashboard.app import Setting, make_app
    from reports.dashboard.serving import served
    from reports.dashboard.snapshots import Snapshots

    snapshots = Snapshots(settings.data_dir / "published")
    with served(make_app(snapshots, Setting(ZoneInfo("UTC")))) as site:
        connection = HTTPConnection(urlsplit(site).netloc)
        pages = []
        for state in ("silent", "failing"):
            connection.request("GET", f"/health?state={state}")
            pages.append(connection.getresponse().read().decode("utf-8"))
        connection.close()
    snapshots.close()
    return pages


def _rows(page: str) -> Iterator[str]:
    """The rows of a page that say what is wrong with a source."""
    import lxml.html

    for row in lxml.html.document_fromstring(page).iter("tr", "li"):
        states = {word for one in row.iter() for word in str(one.get("class") or "").split()}
        if states & {"is-silent", "is-failing", "is-gone"}:
            yield "".join(map(str, row.itertext()))


def _in_digest(settings: Settings, plan: Plan) -> set[str]:
    from flows.digest import preview_digest
    from pipeline.subscriptions import Subscription
    from reports.digest_pages import as_text

    digest = preview_digest(settings, START + plan.days * DAY, Subscription("desk", "News"))
    named = {one.name for one in digest.coverage.trouble}
    # Many are shortened to their number in the words themselves.
    return named if any(name in as_text(digest) for name in named) else set()


def _covered(settings: Settings) -> tuple[int, float]:
    """The silent sources of the last whole week, and the share of what was to be expected that came then."""
    from warehouse.query import connect_snapshot, run_sql

    question = (
        "SELECT silent_sources, read_share FROM coverage_by(every := 'week') "
        "WHERE complete ORDER BY period DESC LIMIT 1"
    )
    with connect_snapshot(settings.data_dir / "published") as reader:
        ((silent, share),) = run_sql(reader, question).rows
    return silent, share


def _noticed(plan: Plan, seen: Seen) -> list[dict[str, object]]:
    """For each source in trouble after how many days it was noticed, as what, and after how many it had to be."""
    return [
        {
            "source": outlet.id,
            "per_week": outlet.per_week,
            "stated": outlet.stated,
            "state": seen.noticed[outlet.id][0] if outlet.id in seen.noticed else None,
            "days": _days(outlet, seen),
            "allowed": _allowed(outlet, plan),
        }
        for outlet in plan.outlets
        if outlet.trouble is not None
    ]


def _days(outlet: Outlet, seen: Seen) -> float | None:
    if outlet.id not in seen.noticed:
        return None
    return round((seen.noticed[outlet.id][1] - START) / DAY - outlet.ends, 2)


def _allowed(outlet: Outlet, plan: Plan) -> float:
    """Days from its end: what a silence takes at its pace, and a run to see it. What fails is seen by the next run."""
    run = plan.every / DAY
    if outlet.trouble == "failing":
        return run
    lasts = max(SHORTEST_SILENCE / DAY, -math.log(IMPLAUSIBLE) / (outlet.per_week / 7))
    return (lasts if outlet.stated else LATER * lasts) + run


def _claims(plan: Plan, seen: Seen) -> Iterator[Claim]:
    ill = [outlet for outlet in plan.outlets if outlet.trouble is not None]
    well = len(plan.outlets) - len(ill)
    yield Claim("runs that ended well", f"{seen.runs - seen.unfinished:,}", f"{seen.runs:,}", seen.unfinished == 0)
    for trouble, words in (
        ("failing", "sources that fail: noticed, after days"),
        ("muted", "sources that bring nothing more: noticed, after days"),
        ("emptied", "sources that lead to a feed without items: noticed, after days"),
    ):
        yield _in_time(words, [outlet for outlet in ill if outlet.trouble == trouble], plan, seen)
    years = seen.well_days / 365
    rate = len(seen.alarms) / years
    yield Claim(
        f"false alarms in {seen.well_days:,.0f} days of healthy sources, {well} of them to the end, of four habits",
        f"{len(seen.alarms)}: {rate:.2f} in a source's year",
        f"≤ {MOST_ALARMS:g} in a source's year",
        rate <= MOST_ALARMS,
    )
    expected = {outlet.name for outlet in ill}
    for place in _SEEN:
        told = seen.places[place]
        # What fails answers with an error, which the summary counts by outcome and does not call silence.
        wanted = {outlet.name for outlet in ill if outlet.trouble != "failing"} if place == "summary" else expected
        missing = sorted(wanted - told)
        first = f"; not {missing[0]}" if missing else ""
        yield Claim(
            f"sources in trouble told by {_IN_WORDS[place]}",
            f"{len(wanted & told)}{first}",
            str(len(wanted)),
            not missing,
        )
    # The last whole week begins on a Monday, as the days do.
    monday = (plan.days // 7 - 1) * 7
    due = sum(outlet.per_week >= OFTEN and outlet.ends <= monday for outlet in ill)
    silent, share = seen.covered
    yield Claim(
        "silent sources by which the trends of the last whole week are corrected",
        f"{silent}, {100 * share:.0f} % of what was to be expected came",
        f"≥ {due}, < 100 %",
        silent >= due and share < 1,
    )
    yield Claim("items of all sources that were stored and ended", f"{seen.stored:,}", f"{seen.published:,}",
                seen.stored == seen.published)  # fmt: skip


_IN_WORDS: Final = {
    "summary": "the summary of the run",
    "status": "`clampdown status`",
    "sources check": "`clampdown sources check`",
    "dashboard": "the page /health of the dashboard",
    "digest": "the digest",
}


def _in_time(text: str, outlets: Sequence[Outlet], plan: Plan, seen: Seen) -> Claim:
    found = {outlet.id: _days(outlet, seen) for outlet in outlets}
    days = sorted(one for one in found.values() if one is not None)
    late = [
        outlet.id for outlet in outlets if (took := found[outlet.id]) is None or took > _allowed(outlet, plan) + 1e-6
    ]
    spread = f", after {days[0]:g} to {days[-1]:g}" if days else ""
    first = f"; late: {', '.join(late[:3])}" if late else ""
    allowed = sorted(_allowed(outlet, plan) for outlet in outlets)
    return Claim(
        text,
        f"{len(days)}{spread}{first}",
        f"{len(outlets)}, each in time: {allowed[0]:.1f} to {allowed[-1]:.1f} by pace",
        not late and bool(outlets),
    )
