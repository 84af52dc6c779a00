"""Sending what is in the outbox: one process at a time, each message once.

The states of a message, and who may change them, are `pipeline.outbox`'s; this is the way from one to the next. Nothing
that happens to one message keeps the others from being sent, but a server that can't be reached stops them all until
it is tried again.
"""

import logging
import time
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from pipeline import outbox_state, suppressed
from pipeline.errors import ArchiveError, InputError, MailError
from pipeline.outbox import OPEN_FOR, WAITING, Batch, Channel, Outbox, Row, State
from pipeline.outbox_intake import MARGIN, fresh_batches, fresh_since, is_due
from pipeline.outbox_state import Standing, Trouble
from pipeline.settings import Settings
from reports.handover import Answer, Fate, Handover

log = logging.getLogger(__name__)

__all__ = ["EVERYTHING", "Sent", "is_due", "note_standing", "send_due", "send_now"]

GAPS: Final = (300.0, 900.0, 2700.0, 7200.0, 14_400.0)
"""Seconds until a message that was not taken is tried again; the last one from then on."""

TROUBLE_GAPS: Final = (60.0, 120.0, 300.0, 600.0, 900.0)
"""The same for a server that takes none."""

BROKEN: Final = 2
"""Connections lost in a row from which on it is the server's trouble, and not one message's."""

INTERRUPTED: Final = "the sender was stopped while the server's answer was awaited"
DIED: Final = "the sender died while this was being sent"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a round did: how many messages came to which state, and how the outbox stands after it.

    `is_busy` says that another process sends, and that nothing was done here.
    """

    moved: Mapping[State, int] = field(default_factory=dict)
    standing: Standing | None = None
    is_busy: bool = False

    @property
    def sent(self) -> int:
        """Messages that were taken over."""
        return self.moved.get(State.SENT, 0)


class _Everything:
    """What every key is in."""

    def __contains__(self, key: object) -> bool:
        return True


EVERYTHING: Final[Container[str]] = _Everything()


def send_due(
    settings: Settings,
    now: datetime | None = None,
    *,
    hurry: Container[str] = frozenset(),
    enough: Callable[[], bool] = lambda: False,
) -> Sent:
    """Send all that is due and, though it is to be tried later, what has a key in `hurry`.

    Between two messages `enough` may end it. Raises ArchiveError where the outbox can't be read or written, InputError
    where the subscriptions can't.
    """
    began, start = time.monotonic(), now or datetime.now(UTC)
    outbox = Outbox(settings.data_dir, lambda: start + timedelta(seconds=time.monotonic() - began))
    with outbox.sending() as is_mine:
        if not is_mine:
            return Sent(is_busy=True)
        round_ = _Round(settings, outbox, hurry, enough)
        return round_.go()


def send_now(settings: Settings, batch: Batch, contents: Mapping[str, bytes], *, wait: float = 60.0) -> list[Row]:
    """Send messages that belong to no record, such as a test, and return what came of them.

    `contents` are their bytes by the key of the entry. Waits up to `wait` seconds for another process that sends.
    Raises ArchiveError.
    """
    outbox = Outbox(settings.data_dir)
    hashes = outbox.keep(contents[entry.key] for entry in batch.entries)
    assert hashes == [entry.sha256 for entry in batch.entries], "the entries name the bytes"
    outbox.take_in([batch])
    until = time.monotonic() + wait
    keys = {entry.key for entry in batch.entries}
    while True:
        done = send_due(settings, hurry=keys)
        rows = [row for row in outbox.rows(batch.made_at.date()) if row.key in keys]
        if not done.is_busy or not any(row.state in WAITING for row in rows) or time.monotonic() > until:
            return rows
        time.sleep(0.2)


def note_standing(settings: Settings) -> None:
    """Write down how the outbox stands after an operator has settled something. Whoever sends does so by itself.

    Raises ArchiveError.
    """
    outbox, now = Outbox(settings.data_dir), datetime.now(UTC)
    with outbox.sending() as is_mine:
        if not is_mine:
            return
        before = _known(settings)
        looked_at = before.looked_at if before else now - OPEN_FOR
        trouble = before.trouble if before else None
        outbox_state.save(settings.data_dir, outbox_state.standing_of(outbox.rows(), now, looked_at, trouble))


class _Round:
    """One go through the outbox by the process that sends."""

    def __init__(self, settings: Settings, outbox: Outbox, hurry: Container[str], enough: Callable[[], bool]) -> None:
        self._settings = settings
        self._outbox = outbox
        self._hurry = hurry
        self._enough = enough
        self._moved: dict[State, int] = {}
        self._tried: set[str] = set()
        self._broken = 0
        self._standing = _known(settings)
        self._looked_at = self._now()
        self._since = fresh_since(self._standing, self._looked_at)
        self._trouble = self._standing.trouble if self._standing else None

    def go(self) -> Sent:
        """Recover, take in, send, until nothing is left that is due. Returns what was done."""
        if self._standing is None or self._standing.written_at.date() != self._now().date():
            # Once a day is enough.
            self._outbox.tidy(self._now())
        self._recover()
        self._take_in()
        try:
            # What comes in meanwhile belongs to this round, too: its maker finds the outbox busy, and relies on it.
            while self._send():
                self._take_in()
        finally:
            standing = outbox_state.standing_of(self._outbox.rows(), self._now(), self._looked_at, self._trouble)
            outbox_state.save(self._settings.data_dir, standing)
        return Sent(self._moved, standing)

    def _now(self) -> datetime:
        return self._outbox.now()

    def _recover(self) -> None:
        """Nobody else sends: what is being sent by its state was being sent when its sender died."""
        for row in self._outbox.rows():
            if row.state is State.SENDING:
                if row.entry.channel is Channel.WEBHOOK and row.entry.message_id:
                    # Its receiver knows it by that id, and takes it once.
                    self._move(row, State.FAILED, DIED, of=(State.SENDING,), next_at=self._now())
                else:
                    self._move(row, State.UNKNOWN, DIED, of=(State.SENDING,))

    def _take_in(self) -> None:
        """Take in what digests have brought since the last look."""
        self._looked_at = self._now()
        found = fresh_batches(self._settings.data_dir, self._since)
        batches = [one for one in found if one.entries]
        if batches and (new := self._outbox.take_in(batches)):
            log.info("outbox: %d new", new)
        self._since = self._looked_at - MARGIN

    def _patience(self) -> timedelta:
        return timedelta(hours=self._settings.mail.give_up_hours)

    def _send(self) -> bool:
        """Send what is due and was not tried yet. Returns whether there was anything."""
        now = self._now()
        due = [
            row
            for row in self._outbox.rows()
            if row.key not in self._tried and (row.is_due(now) or (row.key in self._hurry and row.state in WAITING))
        ]
        if not due or self._enough():
            return False
        self._tried.update(row.key for row in due)
        left = list(self._without_those_that_end(due))
        self._send_mails([row for row in left if row.entry.channel is Channel.MAIL])
        self._send_hooks([row for row in left if row.entry.channel is Channel.WEBHOOK])
        return True

    def _without_those_that_end(self, rows: list[Row]) -> Iterator[Row]:
        """Those that are still to be sent: not to who wants none, nor so late that they are no news."""
        gone = suppressed.load(self._settings.data_dir)
        for row in rows:
            why = gone.why(row.subscription, row.entry.to) if row.entry.channel is Channel.MAIL else None
            if why is not None:
                self._move(row, State.SUPPRESSED, why.reason.value)
            elif self._now() - row.asked_at > self._patience():
                self._move(row, State.GIVEN_UP, row.detail or (self._trouble.words if self._trouble else "too late"))
            else:
                yield row

    def _send_mails(self, rows: list[Row]) -> None:
        if self._trouble is not None and self._trouble.next_at > self._now():
            rows = [row for row in rows if row.key in self._hurry]
        if not rows:
            return
        with Handover(self._settings.mail) as handover:
            for row in rows:
                if self._enough():
                    return
                try:
                    self._send_mail(handover, row)
                except MailError as error:
                    self._stop(error)
                    return
                if self._broken >= BROKEN:
                    self._stop(MailError("the server ends each connection before it has taken a mail"))
                    return
        self._trouble = None

    def _send_mail(self, handover: Handover, row: Row) -> None:
        try:
            content = self._outbox.message(row.entry)
        except (InputError, ArchiveError) as error:
            log.error("outbox: %s", error)
            self._move(row, State.GIVEN_UP, str(error))
            return
        try:
            answer = handover.hand_over(row.entry.to, content, lambda: self._begin(row))
        except MailError:
            raise
        except BaseException:
            # A signal that ends this process, most likely.
            self._move(row, State.UNKNOWN, INTERRUPTED, of=(State.SENDING,))
            raise
        self._broken = self._broken + 1 if answer.broken else 0
        self._conclude(row, answer)

    def _begin(self, row: Row) -> bool:
        """Note that a message is on its way, unless an operator has cancelled it meanwhile."""
        return self._outbox.move(row, State.SENDING) is not None

    def _conclude(self, row: Row, answer: Answer) -> None:
        """Note what came of a message."""
        on_its_way = (State.SENDING, *WAITING)
        match answer.fate:
            case Fate.SENT:
                self._move(row, State.SENT, answer.words, of=on_its_way)
                self._trouble = None
            case Fate.REFUSED:
                self._move(row, State.REFUSED, answer.words, of=on_its_way)
                if answer.bounced:
                    suppressed.bounce(self._settings.data_dir, row.entry.to, row.key, self._now(), answer.words)
            case Fate.LATER:
                self._move(row, State.FAILED, answer.words, of=on_its_way, next_at=self._next_at(row))
            case Fate.UNKNOWN:
                self._move(row, State.UNKNOWN, answer.words, of=on_its_way)
            case Fate.LEFT:
                pass

    def _next_at(self, row: Row, at_least: float = 0.0) -> datetime:
        seconds = max(GAPS[min(row.tries, len(GAPS) - 1)], at_least)
        return self._now() + timedelta(seconds=seconds)

    def _stop(self, error: MailError) -> None:
        """No mail can be sent just now: say so, and when it is tried again."""
        before, now = self._trouble, self._now()
        tries = before.tries + 1 if before else 1
        next_at = now + timedelta(seconds=TROUBLE_GAPS[min(tries, len(TROUBLE_GAPS)) - 1])
        self._trouble = Trouble(before.since if before else now, str(error), error.hint or "", tries, next_at)
        log.log(logging.WARNING if before is None else logging.DEBUG, "no mail can be sent: %s", error)

    def _send_hooks(self, rows: list[Row]) -> None:
        """Post what is due, to each receiver in order: what comes after one that was not taken waits with it."""
        if not rows:
            return
        # Heavy, and most outboxes have none.
        from flows.sending_hooks import Hooks

        hooks = Hooks(self._settings)
        now = {row.key for row in rows}
        held = {
            row.entry.to
            for row in self._outbox.rows()
            if row.entry.channel is Channel.WEBHOOK and row.state is State.FAILED and row.key not in now
        }
        for row in rows:
            if row.entry.to in held or self._enough():
                continue
            if self._outbox.move(row, State.SENDING) is None:
                continue
            done = hooks.post(row, self._outbox, self._now())
            if done.state is State.FAILED:
                held.add(row.entry.to)
                next_at = self._next_at(row, done.wait)
                self._move(row, State.FAILED, done.words, of=(State.SENDING,), next_at=next_at)
            else:
                self._move(row, done.state, done.words, of=(State.SENDING,))

    def _move(
        self,
        row: Row,
        state: State,
        detail: str,
        *,
        of: tuple[State, ...] = tuple(WAITING),
        next_at: datetime | None = None,
    ) -> None:
        if self._outbox.move(row, state, detail, of=of, next_at=next_at) is None:
            return
        self._moved[state] = self._moved.get(state, 0) + 1
        if state in (State.REFUSED, State.GIVEN_UP, State.UNKNOWN):
            log.warning("outbox: %s is %s: %s", row.key, state.value, detail)


def _known(settings: Settings) -> Standing | None:
    try:
        return outbox_state.load(settings.data_dir)
    except ArchiveError as error:
        log.warning("%s", error)
        return None
