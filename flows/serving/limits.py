"""Prefect's global concurrency limits: what an operator sees and slows things by. They decide nothing that must hold.

Who may write is decided by our own lease. A limit that does not exist, a slot that a dead process keeps, or a server
that is gone costs a run a warning.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from pipeline.lease import holder
from pipeline.settings import Settings

log = logging.getLogger(__name__)

EXTRACTING: Final = "clampdown-extraction"
"""The limit of batches that are extracted at a time, on workers that several writers share."""

SLOT_SECONDS: Final = 60.0
"""How long the server keeps the slot of a process that died: the least it takes."""


def limits(settings: Settings) -> dict[str, int]:
    """The limits that must exist on the server before flows run, with their sizes."""
    return {writing(settings): 1, EXTRACTING: settings.warehouse.writers}


def writing(settings: Settings) -> str:
    """The limit of which each flow holds a slot while it writes: one for each `serve`."""
    return f"{settings.serve.name}-warehouse"


def create_limits(settings: Settings) -> None:
    """Have the limits on the server of PREFECT_API_URL. The size of one that is there stays as its operator has set it.

    Slots of writers are freed where our lease says that nobody writes: their holders are dead. Raises what Prefect's
    client raises where the server does not answer.
    """
    with get_client(sync_client=True) as client:
        for name, size in limits(settings).items():
            is_new = _create(client, name, size)
            if not is_new and name == writing(settings) and holder(settings.data_dir) is None:
                client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))


def _create(client: SyncPrefectClient, name: str, size: int) -> bool:
    """Create a limit, unless it is there: the server takes a second one of a name for an error of its own, and logs it.

    Returns whether it was created.
    """
    try:
        client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        try:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=size))
        except ObjectAlreadyExists:
            # Another `serve` was quicker.
            return False
        return True
    return False


@contextmanager
def briefly() -> Iterator[None]:
    """Ask Prefect's server twice at most: what is only to be seen is not worth a minute of its client's tries.

    Once is not enough: where SQLite is busy, the server answers that it is.
    """
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 1}):
        yield


@contextmanager
def slot(name: str, patience: float) -> Iterator[None]:
    """Hold a slot of a global concurrency limit, if one is to be had within `patience` seconds.

    Limits are for the operator to see and to slow things by; they decide nothing that must hold. So a limit that
    does not exist, a slot that a dead process keeps, or a server that is gone is logged, and the work is done.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(
                concurrency(
                    name,
                    strict=True,
                    timeout_seconds=patience,
                    lease_duration=SLOT_SECONDS,
                    # A server that restarts is no reason to end a run.
                    raise_on_lease_renewal_failure=False,
                )
            )
        except Exception as error:
            log.warning("going on without a slot of the limit %s: %s", name, error)
        try:
            yield
        finally:
            try:
                with briefly():
                    stack.close()
            except Exception as error:
                log.warning("the slot of the limit %s can't be given back, and runs out: %s", name, error)
