"""Telling people what is wrong, by mail and webhook: what `pipeline.alerts` decides, carried out and remembered.

Light enough for the supervisor: what sends is imported when there is something to send. Nothing here raises for a
channel that can't be reached; it is logged, shown by `clampdown status` after half an hour, and tried again.
"""

import logging
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol
from zoneinfo import ZoneInfo

from pipeline import alerts
from pipeline.alerts import Alert, Known, Memory
from pipeline.errors import ArchiveError, DeliveryError, SettingsError
from pipeline.problems import Problem, ProblemKind, Severity
from pipeline.settings import Settings

if TYPE_CHECKING:
    from reports.alert_text import Place

log = logging.getLogger(__name__)

MAIL: Final = "mail"
WEBHOOK: Final = "webhook"


class Channel(Protocol):
    """A way to tell people something."""

    @property
    def to(self) -> str:
        """Whom it reaches, in words that hold no secret."""
        ...

    def check(self) -> None:
        """Raise DeliveryError for what can be told to be wrong without sending anything."""
        ...

    def send(self, alert: Alert, now: datetime) -> dict[str, str]:
        """Hand a message over. Returns those who were refused, and why. Raises DeliveryError."""
        ...


@dataclass(frozen=True, slots=True)
class MailChannel:
    """Mail to all of `alerts.to`."""

    settings: Settings

    @property
    def to(self) -> str:
        return ", ".join(self.settings.alerts.to)

    def check(self) -> None:
        from reports.mail import check

        check(self.settings.mail, self.settings.alerts.to)

    def send(self, alert: Alert, now: datetime) -> dict[str, str]:
        from reports.alert_text import body, subject
        from reports.mail import compose, deliver, domain_of

        mail, place = self.settings.mail, _place(self.settings)
        message = compose(mail, self.settings.alerts.to, subject(alert, place), body(alert, place, now), now=now)
        domain = domain_of(mail)
        message["Message-ID"] = f"<alert.{alert.id}@{domain}>"
        if alert.answers:
            # Mail programs show what is over below what it is about.
            answered = [f"<alert.{one}@{domain}>" for one in alert.answers]
            message["In-Reply-To"] = answered[-1]
            message["References"] = " ".join(answered)
        return deliver(mail, message)


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """JSON to `alerts.webhook`."""

    settings: Settings

    @property
    def to(self) -> str:
        from reports.webhook import place

        return place(self.settings.alerts.webhook)

    def check(self) -> None:
        """There is nothing that its address alone would tell."""

    def send(self, alert: Alert, now: datetime) -> dict[str, str]:
        from reports.alert_text import webhook
        from reports.webhook import post

        post(self.settings.alerts.webhook, webhook(alert, _place(self.settings), now))
        return {}


def channels(settings: Settings) -> dict[str, Channel]:
    """The channels that the settings name."""
    found: dict[str, Channel] = {}
    if settings.alerts.to:
        found[MAIL] = MailChannel(settings)
    if settings.alerts.webhook:
        found[WEBHOOK] = WebhookChannel(settings)
    return found


def announce(settings: Settings) -> None:
    """Log who will be told of trouble, and what keeps that from being done."""
    found = channels(settings)
    if not found:
        log.warning("alerts   nobody is told of trouble: set alerts.to and mail.host, or alerts.webhook")
    for name, channel in found.items():
        try:
            channel.check()
        except DeliveryError as error:
            log.error("alerts   can't be sent by %s: %s. %s", name, error, error.hint or "")
        else:
            log.info("alerts   by %s to %s", name, channel.to)


class Alerts:
    """Who was told what, in a data folder that one process watches over.

    What is remembered is kept here and in a file, so that a full disk makes nobody be told each minute.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._channels = channels(settings)
        self._lock = threading.Lock()
        self._memory = _remembered(settings)
        self._saved: Memory | None = self._memory

    def tell(self, problems: Sequence[Problem], now: datetime | None = None) -> None:
        """Tell those who are to be told of `problems`, which are all that is wrong at `now`.

        May take minutes where a mail server is slow; a call that finds another at work leaves it at that.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._tell(problems, now or datetime.now(UTC))
        finally:
            self._lock.release()

    def _tell(self, problems: Sequence[Problem], now: datetime) -> None:
        self._memory = alerts.observed(self._memory, problems, now)
        for name, channel in self._channels.items():
            alert = alerts.due(self._memory, name, now)
            if alert is None:
                continue
            try:
                _log_refused(name, channel.send(alert, now))
            except DeliveryError as error:
                self._memory = alerts.undelivered(self._memory, name, str(error), now)
                log.warning("an alert can't be delivered by %s: %s", name, error)
            else:
                self._memory = alerts.delivered(self._memory, name, alert, now)
                log.info("told %s by %s: %d new, %d over", channel.to, name, len(alert.begun), len(alert.over))
            # At once: what is told twice after a crash is what was being sent then, and no more.
            self._save()
        self._memory = alerts.settled(self._memory, self._channels.keys(), now)
        self._save()

    def _save(self) -> None:
        if self._memory == self._saved:
            return
        try:
            alerts.save(self._settings.data_dir, self._memory)
        except ArchiveError as error:
            log.warning("what was told can't be noted, and may be told again after a restart: %s", error)
        else:
            self._saved = self._memory


def try_out(settings: Settings, now: datetime | None = None) -> dict[str, tuple[str, DeliveryError | dict[str, str]]]:
    """Send a test through each channel: name → whom it reaches, and the error or those who were refused.

    Nothing of it is remembered.
    """
    now = now or datetime.now(UTC)
    problem = Problem(
        ProblemKind.ALERTS_UNDELIVERED,
        now,
        "this is a test: nothing is wrong",
        hint="Nothing: alerts reach you.",
        subject="test",
        severity=Severity.WARNING,
    )
    # A second test is another message.
    test = Alert(f"test.{now:%Y%m%dT%H%M%S%f}", (Known(problem, now),), (), is_test=True)
    return {name: (channel.to, _tried(channel, test, now)) for name, channel in channels(settings).items()}


def _tried(channel: Channel, test: Alert, now: datetime) -> DeliveryError | dict[str, str]:
    try:
        return channel.send(test, now)
    except DeliveryError as error:
        return error


def _remembered(settings: Settings) -> Memory:
    try:
        return alerts.load(settings.data_dir)
    except ArchiveError as error:
        log.warning("what was told is forgotten, and told anew: %s", error)
        return Memory()


def _place(settings: Settings) -> "Place":
    from reports.alert_text import Place

    try:
        zone = settings.serve.zone
    except SettingsError:
        # The machine's can't be told: no reason to keep silent.
        zone = ZoneInfo("UTC")
    return Place(settings.serve.name, socket.gethostname(), str(settings.data_dir.absolute()), zone)


def _log_refused(name: str, refused: Mapping[str, str]) -> None:
    for recipient, words in refused.items():
        log.warning("%s: %s was refused: %s", name, recipient, words)
