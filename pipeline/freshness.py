"""How long a response says that it stays fresh (RFC 9111): until then, asking again could bring nothing new.

Bodies are never kept for answering a later request; this only tells when a later request is worth making.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from pipeline.retrying import parse_http_date

MAX_SECONDS = 2.0**31
"""What larger numbers of seconds count as (RFC 9111, 1.2.2)."""

# A directive: a token, and perhaps a value, which may be quoted and then hold commas.
DIRECTIVE = re.compile(r'([!#$%&\'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",;\s]*)))?')
SECONDS = re.compile(r"[0-9]+")


def fresh_for(headers: Sequence[tuple[str, str]], now: datetime) -> float | None:
    """Return the seconds from `now`, when the response came, for which it is fresh; None if it says nothing of that.

    A private cache's reading: `no-store` and `no-cache` are 0; else `max-age` counts before `Expires`, less the Age
    that the response had when it came. What can't be read means a response that is stale already.
    """
    directives = _directives(_values(headers, "cache-control"))
    if "no-store" in directives or "no-cache" in directives:
        return 0.0
    if "max-age" in directives:
        lifetime = _seconds(directives["max-age"]) or 0.0
    elif expires := _values(headers, "expires"):
        lifetime = _until(expires[0], _values(headers, "date"), now)
    else:
        return None
    age = _seconds(next(iter(_values(headers, "age")), "").strip()) or 0.0
    return max(0.0, lifetime - age)


def _directives(values: Sequence[str]) -> dict[str, str]:
    """Read Cache-Control: names in lower case, the first of each."""
    found: dict[str, str] = {}
    for match in DIRECTIVE.finditer(",".join(values)):
        found.setdefault(match[1].lower(), match[2] if match[2] is not None else match[3] or "")
    return found


def _until(expires: str, dates: Sequence[str], now: datetime) -> float:
    """The seconds until `expires`, by the clock of the server that said so, where it tells its time."""
    moment = parse_http_date(expires)
    if moment is None:
        return 0.0
    stated = parse_http_date(dates[0]) if dates else None
    return min((moment - (stated or now)).total_seconds(), MAX_SECONDS)


def _seconds(text: str) -> float | None:
    # float() takes any number of digits, where int() refuses thousands of them.
    return min(float(text), MAX_SECONDS) if SECONDS.fullmatch(text) else None


def _values(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    return [value for key, value in headers if key.lower() == name]
