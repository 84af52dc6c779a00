"""Who serves the deployments of a name, on a Prefect server that several may share: a variable of that server says so.

The lock on the data folder keeps a second `serve` of the same folder out. This keeps out one of another folder, on this
machine or another: both would take each other's flow runs.
"""

import json
import logging
import re
import secrets
import socket
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import VariableCreate, VariableUpdate
from prefect.client.schemas.objects import Variable
from prefect.exceptions import ObjectAlreadyExists

from pipeline.archive_files import put
from pipeline.errors import ServeError
from pipeline.settings import Settings

log = logging.getLogger(__name__)

STATE_FOLDER, FILE_NAME = "state", "serve.json"

STALE_AFTER = timedelta(seconds=90)
"""How long a sign of life counts, by the server's clock. The owner gives one with each look of its watch."""


@dataclass(slots=True)
class Ownership:
    """This process's claim to a name. `token` is new for each process, `folder` stays with the data folder."""

    name: str
    folder: str
    data_dir: Path
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    beats: int = 0

    @property
    def variable(self) -> str:
        """The name of the server's variable: those may have less in them than ours."""
        return f"serve_{re.sub('[^a-z0-9_-]', '-', self.name.lower())}_{zlib.crc32(self.name.encode()):08x}"

    async def claim(self, client: PrefectClient) -> None:
        """Become the owner. Raises ServeError where another folder's `serve` is, and shows signs of life."""
        found = await client.read_variable_by_name(self.variable)
        if found is None:
            try:
                await client.create_variable(VariableCreate(name=self.variable, value=self._value()))
                return
            except ObjectAlreadyExists:
                found = await client.read_variable_by_name(self.variable)
        other = _told(found)
        if found is not None and other.get("folder") not in (None, self.folder):
            age = await _now(client) - (found.updated or datetime.min.replace(tzinfo=UTC))
            if age < STALE_AFTER:
                raise self._refused(other)
            log.warning("taking over %s from %s, which has been silent for %s", self.name, _who(other), age)
        await self._write(client)

    async def beat(self, client: PrefectClient) -> None:
        """Give a sign of life. Raises ServeError where another process has become the owner."""
        found = await client.read_variable_by_name(self.variable)
        if found is None:
            # The server's database was lost.
            await self.claim(client)
            return
        other = _told(found)
        if other.get("token") != self.token:
            raise self._refused(other)
        await self._write(client)

    async def _write(self, client: PrefectClient) -> None:
        self.beats += 1
        await client.update_variable(VariableUpdate(name=self.variable, value=self._value()))

    def _value(self) -> dict[str, Any]:
        return {
            "folder": self.folder,
            "token": self.token,
            "beats": self.beats,
            "host": socket.gethostname(),
            "data_dir": str(self.data_dir),
        }

    def _refused(self, other: Mapping[str, Any]) -> ServeError:
        return ServeError(
            f"another `clampdown serve` of the name {self.name} is on this Prefect server: {_who(other)}. "
            "Give this one another serve.name, or stop that one and wait for two minutes."
        )


def ownership(settings: Settings) -> Ownership:
    """The claim of a data folder to its name. Raises ArchiveError where the folder can't be written to."""
    folder = settings.data_dir / STATE_FOLDER
    try:
        known = str(json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        known = secrets.token_hex(8)
        put(folder, FILE_NAME, json.dumps({"folder": known}).encode())
    return Ownership(settings.serve.name, known, settings.data_dir.absolute())


def _told(variable: Variable | None) -> Mapping[str, Any]:
    value = None if variable is None else variable.value
    return value if isinstance(value, dict) else {}


def _who(other: Mapping[str, Any]) -> str:
    return f"the data folder {other.get('data_dir', '(unknown)')} on {other.get('host', '(unknown)')}"


async def _now(client: PrefectClient) -> datetime:
    """The time by the server's clock."""
    said = (await client.hello()).headers.get("date")
    return parsedate_to_datetime(said) if said else datetime.now(UTC)
