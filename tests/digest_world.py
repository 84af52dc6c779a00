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
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path

from digest_stories import (
    BUSY,
    DAY,
    FIRST,
    FIRST_DAY,
    LATE,
    LIFT,
    OUTLETS,
    PARTIAL,
    PROPOSED,
    RETRACTION,
    TROUBLE,
    TWO_TALES,
    Story,
    thousand,
)

from extractors import registries
from flows.digest import make_digests
from flows.digest_report import DigestReport
from pipeline import site_state
from pipeline.decision_types import Anchor, Decision, DecisionKind
from pipeline.flow_log import FlowLog
from pipeline.outbox import Outbox, batch_of
from pipeline.settings import MailSettings, ServeSettings, Settings
from pipeline.site_state import SiteState, Trouble
from pipeline.types import (
    ArchiveRef,
    Article,
    Entry,
    FeedOutcome,
    FeedState,
    Poll,
    Source,
)
from warehouse.store import open_warehouse

GOLDEN = Path(__file__).parent / "digests"
READER = "reader@example.org"
SITUATIONS = (
    "first ever", "quiet", "busy", "lift", "retraction", "merge", "partial coverage", "late discovery",
    "proposed only", "thousand new",
)  # fmt: skip
"""What each morning brings, from Tuesday 3 November on."""
_SOURCES = tuple(
    Source(name, title, f"https://{name}.example/feed", owner=owner) for name, (title, owner) in OUTLETS.items()
)


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


def live(folder: Path) -> Iterator[tuple[str, World, DigestReport]]:
    """Live through the ten days. Yields each morning's situation and digest."""
    world = World(folder)
    days: dict[str, tuple[Story, ...]] = dict.fromkeys(SITUATIONS, ())
    days |= {"first ever": FIRST_DAY, "busy": BUSY, "lift": LIFT, "retraction": RETRACTION, "partial coverage": PARTIAL}
    days |= {"late discovery": LATE, "proposed only": PROPOSED, "thousand new": thousand()}
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
