"""What a page is asked with and what it answers: nothing of HTTP is to be known beyond this module."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pipeline.measured import Measured
from reports.dashboard.snapshots import Held

if TYPE_CHECKING:
    from reports.dashboard.review_seam import ReviewDesk

Method: TypeAlias = Literal["GET", "POST"]


class NotFound(Exception):
    """There is no such page, service, country or event; `hint` says where to go on."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page.

    `path` are the parts of the address that the route names, `query` what follows the question mark, `form` what was
    posted. `address` is path with query, as a link to this view has it. `today` is the day in `zone`. `desk` is there
    only where decisions may be made; `token` then proves that a form is our own. `measured` tells how often the model
    that is installed errs.
    """

    data: Held
    path: Mapping[str, str]
    query: Mapping[str, tuple[str, ...]]
    address: str
    zone: ZoneInfo
    today: date
    desk: "ReviewDesk | None" = None
    method: Method = "GET"
    form: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    measured: Measured | None = None

    def one(self, name: str, default: str | None = None) -> str | None:
        """The last value of that name in the query, without blanks around it; the default where it has none."""
        given = self.query.get(name, ())
        return (given[-1].strip() or default) if given else default


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page: a template below `templates/dashboard`, what goes into it, and its title.

    It is kept for whoever asks for the same of the same version on the same day, unless it is `momentary`.
    """

    template: str
    values: Mapping[str, Any]
    title: str
    status: int = 200
    momentary: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """A file to keep, in pieces. What can go wrong goes wrong before the first piece, or with it."""

    filename: str
    media_type: str
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Data:
    """A value as JSON, for our own scripts."""

    value: Any
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another page of ours to go to: a path with query."""

    to: str
    permanent: bool = False


Answer: TypeAlias = Rendered | Download | Data | Redirect
Page: TypeAlias = Callable[[Visit], Answer]
