"""A data folder with digests that are to be mailed: real records, real bytes, and no warehouse."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipeline.archive_files import put
from pipeline.outbox import Entry, Outbox, Row, key_of
from pipeline.settings import MailSettings, Settings

SENDER = "Clampdown <clampdown@example.org>"


@dataclass
class World:
    """Settings of a data folder, and what is in its outbox.

    `now` is when the test began, not when it was imported: senders look at the times of files, which the clock gives.
    """

    settings: Settings
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def outbox(self) -> Outbox:
        return Outbox(self.settings.data_dir)

    def digest(self, *readers: str, subscription: str = "desk", name: str = "2026-11-22") -> list[str]:
        """Make a digest for these readers, as its maker does: bytes first, then the record. Returns the keys."""
        contents = [self.mail(subscription, name, reader) for reader in readers]
        entries = [
            Entry(key_of(subscription, name, reader), reader, hashed)
            for reader, hashed in zip(readers, self.outbox().keep(contents), strict=True)
        ]
        self.record(subscription, name, entries)
        return [entry.key for entry in entries]

    def mail(self, subscription: str, name: str, reader: str) -> bytes:
        text = f"From: {SENDER}\nTo: {reader}\nSubject: {subscription} {name}\n\nHello {reader}\n.\n..two\n"
        return text.replace("\n", "\r\n").encode()

    def record(self, subscription: str, name: str, entries: Sequence[Entry], made_at: datetime | None = None) -> Path:
        document = {"made_at": (made_at or self.now).isoformat(), "mails": [entry.as_record() for entry in entries]}
        folder = self.settings.data_dir / "digests" / subscription
        put(folder, f"{name}.json", json.dumps(document).encode())
        return folder / f"{name}.json"

    def rows(self) -> dict[str, Row]:
        return {row.key: row for row in self.outbox().rows()}

    def states(self) -> dict[str, str]:
        """Reader → state."""
        return {row.entry.to: row.state.value for row in self.rows().values()}


def world(folder: Path, **mail: object) -> World:
    """Settings for a server without encryption on loopback, unless `mail` says otherwise."""
    base = MailSettings(host="127.0.0.1", security="none", sender=SENDER, timeout=60)
    return World(
        Settings(data_dir=folder, subscriptions=folder / "subscriptions.toml", mail=base.model_copy(update=mail))
    )
