"""The process in which `prove outbox` does its work: everything imported, no thread; it forks those that are killed.

It reads a job as JSON from its input and writes a line to its output for each life: what the outbox says at its end.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from clampdown.proofs.crash_yard import Child, Say, forked, told_by
from flows.digest_issue import Issue, issue
from flows.sending import EVERYTHING, send_due
from pipeline import failpoints
from pipeline.archive_files import make_folder
from pipeline.errors import WorkerError
from pipeline.line_files import locked
from pipeline.outbox import Outbox, State
from pipeline.outbox_intake import digest_folder
from pipeline.settings import MailSettings, Settings
from pipeline.subscription_types import Subscription
from pipeline.unsubscribe import secret_of
from reports.digest import Coverage, Digest, Findings
from reports.digest_html import page_html
from warehouse.news import Place

NAME: Final = "2026-11-22"
SUBSCRIPTION: Final = "proof"


@dataclass(frozen=True, slots=True)
class Life:
    """A digest that is made and sent to so many readers by a process that is killed, and by those after it.

    It is killed at `failpoint`, as `CLAMPDOWN_FAILPOINT` has it, or so many seconds after its beginning.
    """

    name: str
    failpoint: str = ""
    after: float | None = None


def main() -> None:
    """Live the lives that standard input describes, in the folder that it names."""
    given = json.load(sys.stdin)
    root, mail = Path(given["folder"]), MailSettings(**given["mail"])
    # What is made once for all is made before anything is forked.
    page_html(_digest(()))
    for told in given["lives"]:
        one = Life(**told)
        readers = tuple(f"{one.name}-{number}@example.org" for number in range(given["readers"]))
        site = _Site(Settings(data_dir=root / one.name, mail=mail), readers)
        print(json.dumps(_lived(site, one)), flush=True)


@dataclass(frozen=True, slots=True)
class _Site:
    """A data folder, and those who read its one digest."""

    settings: Settings
    readers: tuple[str, ...]

    def work(self, say: Say) -> None:
        """Make the digest, unless its record is there, and send what is due: what a served process does."""
        say("found")
        folder = digest_folder(self.settings.data_dir, SUBSCRIPTION)
        make_folder(folder)
        # As those who make digests do: one at a time.
        with locked(folder):
            if not (folder / f"{NAME}.json").exists():
                digest = _digest(self.readers)
                one = Issue(digest, digest.made_at, Place(0, "", None, None), "none")
                issue(self.settings, folder, one, secret_of(self.settings.data_dir))
        send_due(self.settings)

    def states(self) -> dict[str, str]:
        """Reader → state, by the outbox."""
        return {row.entry.to: row.state.value for row in Outbox(self.settings.data_dir).rows()}


def _digest(readers: tuple[str, ...]) -> Digest:
    """The digest of a quiet day: what is proved is not in its words."""
    now, subscription = datetime.now(UTC), Subscription(SUBSCRIPTION, "Proof", recipients=readers)
    coverage = Coverage({"ok": 1})
    return Digest(1, now.date(), "UTC", now, None, Findings(()), coverage, subscription=subscription, name=NAME)


def _lived(site: _Site, one: Life) -> dict[str, Any]:
    """Kill a process, have two go on at once, then one more, a day later; then say the operator's word."""
    first = _ended(forked(_armed(site.work, one.failpoint)), after=one.after)
    after_kill = site.states()
    for child in [forked(site.work) for _ in range(2)]:
        _ended(child)
    # What came in while another sent is seen by the next one who looks.
    _ended(forked(site.work))
    settled = site.states()
    _ended(forked(lambda say: send_due(site.settings, datetime.now(UTC) + timedelta(days=1), hurry=EVERYTHING)))
    later = site.states()
    unknown = [reader for reader, state in later.items() if state == State.UNKNOWN.value]
    told = time.time()
    _ended(forked(lambda say: _resend(site, unknown)))
    return {
        "name": one.name,
        "killed": first,
        "after_kill": after_kill,
        "settled": settled,
        "later": later,
        "unknown": unknown,
        "resent_at": told,
        "resent": site.states(),
    }


def _resend(site: _Site, readers: list[str]) -> None:
    outbox = Outbox(site.settings.data_dir)
    for row in outbox.rows():
        if row.entry.to in readers:
            outbox.move(row, State.QUEUED, "by the operator's word", of=[State.UNKNOWN])
    send_due(site.settings)


def _armed(work: Callable[[Say], None], failpoint: str) -> Callable[[Say], None]:
    def life(say: Say) -> None:
        failpoints.arm(failpoint)
        work(say)

    return life


def _ended(child: Child, *, after: float | None = None) -> bool:
    """Wait for a process; whether it was killed. Raises WorkerError where it failed by itself."""
    errors = [line for line in _lines(child, after) if line.startswith("error ")]
    if errors:
        raise WorkerError(errors[0])
    return child.status < 0


def _lines(child: Child, after: float | None) -> Iterator[str]:
    return told_by(child, after=after)


if __name__ == "__main__":
    # That something is unknown is what is looked for.
    logging.getLogger("flows").setLevel(logging.ERROR)
    main()
