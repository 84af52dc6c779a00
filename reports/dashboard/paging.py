"""Parts of long lists, by links that keep the rest of the view."""

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from reports.dashboard.visit import Visit
from reports.locales import number

_PAGE = "page"
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Pager:
    """Which part of a list is shown, and the way to the others; `offset` and `size` are for its SQL.

    `steps` are (label, address) of pages near this one, with None for the address of this one and for what is left out.
    """

    says: str
    number: int
    offset: int
    size: int
    previous: str | None
    next: str | None
    steps: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Tab:
    """Entries of a list that are of one sort: what they are called, how many there are, and where they are shown."""

    words: str
    number: int
    address: str
    is_current: bool


def pager(visit: Visit, total: int, size: int) -> Pager:
    """The part of a list of `total` that `?page=` asks for; the nearest one there is where it asks for none."""
    last = max((total + size - 1) // size, 1)
    current = min(asked_page(visit), last)
    offset = (current - 1) * size
    shown = min(size, max(total - offset, 0))
    says = f"{number(offset + 1)}–{number(offset + shown)} of {number(total)}" if shown else "None"
    near = sorted({1, last, *range(max(current - 2, 1), min(current + 2, last) + 1)})
    steps: list[tuple[str, str | None]] = []
    for before, one in zip([0, *near], near, strict=False):
        if one > before + 1:
            steps.append(("…", None))
        steps.append((number(one), None if one == current else with_query(visit, page=str(one))))
    return Pager(
        says,
        current,
        offset,
        size,
        with_query(visit, page=str(current - 1)) if current > 1 else None,
        with_query(visit, page=str(current + 1)) if current < last else None,
        tuple(steps),
    )


def asked_page(visit: Visit) -> int:
    """The page that `?page=` asks for, from 1 on, whether there is one or not; 1 where it asks for none."""
    asked = visit.one(_PAGE) or ""
    return max(int(asked), 1) if asked.isascii() and asked.isdecimal() and len(asked) <= _DIGITS else 1


def with_query(visit: Visit, **changed: str | None) -> str:
    """The address of this view with other values in its query; None takes one out."""
    asked = {name: list(values) for name, values in visit.query.items()}
    asked |= {name: [value] for name, value in changed.items() if value is not None}
    for name, value in changed.items():
        if value is None or (name == _PAGE and value == "1"):
            asked.pop(name, None)
    query = urlencode(asked, doseq=True, errors="replace")
    path = urlsplit(visit.address).path
    return f"{path}?{query}" if query else path
