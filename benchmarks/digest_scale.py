"""What making the digests of many subscriptions costs beside many events: pages, pictures and mails included.

    python -m benchmarks.digest_scale --folder DIR [--events 50000] [--subscriptions 500] [--profile]

The warehouse is a copy of one of `benchmarks.analysis_world`, with ten mentions to an event, which is made unless it
lies in the folder already. Subscriptions differ in what they are about, each has one reader, most want HTML. First all
of them have their first digest, which tells of the last day; then a run brings new mentions, and what follows is the
morning that is measured: `make_digests`, from opening the snapshot until the last record is on the disk. Nothing is
sent. The last one is the same again with six times as much news. Before each the feeds are brought up to date.
"""

import argparse
import cProfile
import json
import pstats
import random
import resource
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.analysis_world import DAYS, World, as_run
from extractors import registries
from flows.digest import make_digests
from flows.digest_report import DigestReport, DigestState
from flows.outputs import write_feeds
from pipeline.classes import Action, ActorKind
from pipeline.settings import MailSettings, ServeSettings, Settings
from pipeline.subscriptions import Filters, Subscription, render_subscription
from warehouse.store import open_warehouse

LIMIT_SECONDS = 60.0
MENTIONS_PER_EVENT = 10
FIRST = datetime(2015, 11, 22, 7, 0, tzinfo=UTC) + timedelta(days=DAYS)
NEWS = (2_000, 12_000)
"""Mentions that a morning's run has brought: those of a day, and those of a day on which everything happens."""


@dataclass(frozen=True, slots=True)
class Morning:
    """What one morning cost. `seconds` are those of the clock, `processor` those of this process and its children."""

    mentions: int
    digests: int
    items: int
    mails: int
    megabytes: float
    seconds: float
    processor: float
    peak_mib: float


def main() -> int:
    """Build, subscribe, make; print a table. The exit code is 1 where a morning took too long."""
    parser = argparse.ArgumentParser(description="Measure the making of digests.")
    parser.add_argument("--folder", type=Path, required=True, help="where the warehouse is kept")
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--subscriptions", type=int, default=500)
    parser.add_argument("--profile", action="store_true", help="say where the time of the second morning went")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    options = parser.parse_args()
    built = options.folder / f"{options.events}.duckdb"
    mentions = options.events * MENTIONS_PER_EVENT
    World(built, mentions).build(memory_limit="2GB", tell=lambda line: print(line, file=sys.stderr))
    settings = _site(options.folder / "site", options.subscriptions)
    path = settings.data_dir / built.name
    for suffix in (".duckdb", ".plan"):
        shutil.copy(built.with_suffix(suffix), path.with_suffix(suffix))
    world, loaded = World(path, mentions), mentions
    mornings = []
    _watched_since(path, FIRST - timedelta(days=DAYS))
    for number, mentions in enumerate((0, *NEWS)):
        now = FIRST + timedelta(days=number)
        _publish(world, settings, loaded, mentions, now - timedelta(hours=1))
        loaded += mentions
        _print_feeds(settings)
        profile = cProfile.Profile() if options.profile and number == 1 else None
        mornings.append(_morning(settings, now, mentions, profile))
        _print(mornings[-1])
        if profile is not None:
            pstats.Stats(profile).sort_stats("cumtime").print_stats(60)
    if options.json is not None:
        options.json.write_text(json.dumps([_facts(one) for one in mornings], indent=2) + "\n", "utf-8")
    return int(any(one.seconds > LIMIT_SECONDS for one in mornings))


def _site(folder: Path, subscriptions: int) -> Settings:
    """A site without any digests, and its subscriptions."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = Settings(
        data_dir=folder,
        subscriptions=folder / "subscriptions.toml",
        serve=ServeSettings(timezone="UTC"),
        mail=MailSettings(host="mail.example.org", sender="digest@example.org", public_url="https://news.example.org"),
    )
    dice = random.Random(7)
    some = (_subscription(number, dice) for number in range(subscriptions))
    settings.subscriptions.write_text("\n".join(map(render_subscription, some)), "utf-8")
    return settings


def _subscription(number: int, dice: random.Random) -> Subscription:
    """One in ten is about everything, the others about some services, sorts of them, countries or bodies."""
    services = [service.name for service in registries.services()]
    categories = sorted({service.category for service in registries.services()})
    countries = sorted({body.country for body in registries.bodies()})
    filters: dict[str, Any] = {"min_score": round(dice.uniform(0.05, 0.6), 2)} if dice.random() < 0.5 else {}
    match dice.randrange(10):
        case 0:
            pass
        case 1 | 2 | 3:
            filters["countries"] = tuple(dice.sample(countries, dice.randint(1, 12)))
        case 4 | 5:
            filters["categories"] = tuple(dice.sample(categories, dice.randint(1, 4)))
        case 6 | 7:
            filters["services"] = tuple(dice.sample(services, dice.randint(1, 60)))
        case 8:
            filters["actor_kinds"] = tuple(dice.sample(list(ActorKind), 3))
        case _:
            filters["actions"] = tuple(dice.sample(list(Action), 4))
    return Subscription(
        f"desk-{number}",
        f"Desk {number}",
        Filters(**filters),
        recipients=(f"reader-{number}@example.org",),
        format="text" if dice.random() < 0.1 else "html",
        language=dice.choice(["en", "en", "de", "fr", "pt_BR"]),
    )


def _watched_since(path: Path, began_at: datetime) -> None:
    """Have watching begun long ago, so that first digests tell of the last day alone."""
    with open_warehouse(path) as warehouse:
        as_run(warehouse._database, began_at)


def _publish(world: World, settings: Settings, first: int, mentions: int, at: datetime) -> None:
    """What a run does that brings so many mentions."""
    with open_warehouse(world.path, memory_limit="2GB") as warehouse:
        if mentions:
            world.load(warehouse._database, first, mentions)
            as_run(warehouse._database, at)
        warehouse.publish(settings.data_dir / "published", manifest={"model": "made-up"})


def _morning(settings: Settings, now: datetime, mentions: int, profile: cProfile.Profile | None) -> Morning:
    begun, used = time.monotonic(), _used()
    if profile is not None:
        profile.enable()
    reports = make_digests(settings, now)
    if profile is not None:
        profile.disable()
    seconds, processor = time.monotonic() - begun, _used() - used
    made = [report for report in reports if report.state is DigestState.MADE]
    assert len(made) == len(reports), "each subscription has a digest"
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return Morning(
        mentions, len(made), sum(one.news for one in made), sum(one.mails for one in made),
        sum(_bytes(one) for one in made) / 1e6, seconds, processor, peak,
    )  # fmt: skip


def _print_feeds(settings: Settings) -> None:
    """Bring the feeds of all subscriptions up to date, as each publishing does, and say what that cost."""
    begun, used = time.monotonic(), _used()
    feeds = write_feeds(settings)
    seconds, processor = time.monotonic() - begun, _used() - used
    print(
        f"       feeds: {feeds.written} files written, {feeds.unchanged} as they were, in {seconds:.1f} s "
        f"({processor:.1f} s of processor time)",
        flush=True,
    )


def _bytes(report: DigestReport) -> int:
    return sum(path.stat().st_size for path in report.files)


def _used() -> float:
    """Processor seconds of this process and of its children that have ended."""
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def _facts(morning: Morning) -> dict[str, float]:
    return {name: getattr(morning, name) for name in Morning.__slots__}


def _print(morning: Morning) -> None:
    print(
        f"{morning.mentions:6,} new mentions: {morning.digests} digests with {morning.items:,} items and "
        f"{morning.mails} mails, {morning.megabytes:.0f} MB of files, in {morning.seconds:.1f} s "
        f"({morning.processor:.1f} s of processor time, peak {morning.peak_mib:.0f} MiB)",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
