"""What a piece of work costs the processor, whatever else the tests' process holds and does."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Cost:
    """Seconds that were spent, once the block has ended."""

    seconds = 0.0


@contextmanager
def cost() -> Iterator[Cost]:
    """Measure this thread alone, without the collector: a pass over all that a thousand tests left takes a second."""
    spent = Cost()
    was_on = gc.isenabled()
    gc.disable()
    start = time.thread_time()
    try:
        yield spent
    finally:
        spent.seconds = time.thread_time() - start
        if was_on:
            gc.enable()
