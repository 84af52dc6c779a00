"""Stages that work at the same time: while one batch is stored, the next is read and the one after it fetched."""

import contextvars
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

WAITING = 1
"""Finished batches that may wait before each stage. More would cost memory and win nothing."""


def overlapped(batches: Iterable[Any], *stages: Callable[[Any], Any]) -> Generator[Any, None, None]:
    """Yield each of `batches` after it went through all `stages`, in order, each stage in a thread of its own.

    What `batches` or a stage raises comes out of the iterator in its batch's place, and ends it. Closing the iterator
    ends the threads after what they are doing now, without waiting for it.
    """
    over = threading.Event()
    feed: Iterator[tuple[Any, BaseException | None]] = ((batch, None) for batch in batches)
    for number, stage in enumerate(stages):
        feed = _staged(feed, stage, over, name=f"stage-{number}")
    try:
        for batch, error in feed:
            if error is not None:
                raise error
            yield batch
    finally:
        over.set()


def _staged(
    feed: Iterator[tuple[Any, BaseException | None]], stage: Callable[[Any], Any], over: threading.Event, *, name: str
) -> Iterator[tuple[Any, BaseException | None]]:
    done: queue.Queue[tuple[Any, BaseException | None] | None] = queue.Queue(WAITING)

    def put(item: tuple[Any, BaseException | None] | None) -> None:
        while not over.is_set():
            try:
                done.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            for batch, error in feed:
                if over.is_set():
                    return
                if error is not None:
                    put((None, error))
                    return
                put((stage(batch), None))
        except BaseException as error:
            put((None, error))
        else:
            put(None)

    # Prefect keeps the flow that a task belongs to in a context variable.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name=name, daemon=True).start()
    while not over.is_set():
        try:
            item = done.get(timeout=0.2)
        except queue.Empty:
            continue
        if item is None:
            return
        yield item
