"""What an operator sees of a run, put into Prefect: pages and tables, the run's name, and how far long work is.

It is a window and nothing more: where it can't be had, the run goes on.
"""

import logging
import re
import time
from typing import Final
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client

from flows.serving.artifacts import Shown, markdown
from flows.serving.limits import briefly
from pipeline.settings import Settings

log = logging.getLogger(__name__)

LONG: Final = 300
"""Articles from which on an ingest shows how far it is."""

EVERY: Final = 5.0
"""Seconds from one picture of how far long work is to the next."""

AFTER_FAILURE: Final = 60.0
"""Seconds until the next one where Prefect's server did not answer."""


def post(settings: Settings, flow: str, shown: Shown) -> None:
    """Put a run's page and tables into Prefect. What can't be put there is logged."""
    key = key_of(settings.serve.name, flow)
    try:
        with briefly():
            create_markdown_artifact(shown.page, key=key, description=markdown(shown.words))
            for name, rows in shown.tables.items():
                if rows:
                    create_table_artifact(
                        [dict(one) for one in rows], key=key_of(key, name), description=f"{flow}: {name}"
                    )
    except Exception as error:
        log.warning("what this run did can't be shown in Prefect: %s", error)


def rename(run_id: str, name: str) -> None:
    """Have a flow run's name say what it did."""
    try:
        with briefly(), get_client(sync_client=True) as client:
            client.set_flow_run_name(UUID(run_id), name)
    except Exception as error:
        log.warning("the run's name stays as it was: %s", error)


def key_of(*parts: str) -> str:
    """Parts as an artifact's key, which has small letters, digits and dashes only."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


class ArtifactProgress:
    """Progress that Prefect shows as a bar for each stage, for stages with at least so many things to do."""

    def __init__(self, name: str, flow: str, least: int = 1) -> None:
        self._key = key_of(name, flow)
        self._least = least
        self._total: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._bars: dict[str, UUID] = {}
        self._next = 0.0
        self._failures = 0

    def begin(self, stage: str, total: int) -> None:
        """A stage starts, or its total grew."""
        self._total[stage] = total
        self._done.setdefault(stage, 0)
        self._show(stage)

    def advance(self, stage: str, done: int) -> None:
        """`done` more of the stage are finished."""
        self._done[stage] += done
        is_over = self._done[stage] >= self._total[stage]
        if is_over or time.monotonic() >= self._next:
            self._show(stage)

    def _show(self, stage: str) -> None:
        done, total = self._done[stage], self._total[stage]
        if total < self._least or (self._failures and time.monotonic() < self._next):
            return
        percent, words = 100.0 * min(done / total, 1.0), f"{done:,} of {total:,} {stage}"
        try:
            with briefly():
                if stage in self._bars:
                    update_progress_artifact(self._bars[stage], percent, description=words)
                else:
                    self._bars[stage] = _created(percent, key_of(self._key, stage), words)
        except Exception as error:
            if not self._failures:
                log.warning("how far this run is can't be shown in Prefect: %s", error)
            self._failures += 1
            self._next = time.monotonic() + AFTER_FAILURE
        else:
            self._failures = 0
            self._next = time.monotonic() + EVERY


def _created(percent: float, key: str, words: str) -> UUID:
    made = create_progress_artifact(percent, key=key, description=words)
    assert isinstance(made, UUID), "called outside of an event loop"
    return made
