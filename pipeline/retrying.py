"""When to try a request again: what Retry-After says, and pauses that grow."""

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_PAUSE = 0.5
"""Seconds before the second try, doubled for each further one; a random half of it is left out."""


def pause_before(attempt: int, asked: float | None) -> float:
    """Return the seconds to wait after `attempt` (from 0), never less than the server `asked` for."""
    # A random half spreads load; it guards nothing.
    pause = FIRST_PAUSE * 2.0**attempt * random.uniform(0.5, 1)  # noqa: S311 - a pause is no secret
    return max(pause, asked or 0.0)


def parse_retry_after(value: str | None) -> float | None:
    """Read Retry-After (RFC 9110, 10.2.3) as seconds from now: a number, or a date. None if it is absent or neither."""
    value = value or ""
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    moment = parse_http_date(value)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def parse_http_date(value: str) -> datetime | None:
    """Read a date of an HTTP header in any of its three forms (RFC 9110, 5.6.7); None for anything else."""
    try:
        moment = parsedate_to_datetime(value)
        # Years near the ends of the calendar have no UTC time.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
