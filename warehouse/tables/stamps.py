"""A date of publication or change in four columns: day, time, basis and precision."""

from datetime import date, datetime

from pipeline.types import DateBasis, Stamp
from warehouse.database import from_utc, to_utc

COLUMNS = ("published_on", "published_at", "published_basis", "published_precision")
MODIFIED_COLUMNS = ("modified_on", "modified_at", "modified_basis", "modified_precision")

TIME = "time"
DAY = "day"


def to_columns(stamp: Stamp | None) -> tuple[object, ...]:
    """The four values, all None without a date."""
    if stamp is None:
        return (None, None, None, None)
    if isinstance(stamp.value, datetime):
        return (stamp.day, to_utc(stamp.value), stamp.basis.value, TIME)
    return (stamp.day, None, stamp.basis.value, DAY)


def from_columns(day: date | None, time: datetime | None, basis: str | None) -> Stamp | None:
    """The stamp that `to_columns` took apart."""
    if day is None or basis is None:
        return None
    exact = from_utc(time)
    return Stamp(day if exact is None else exact, DateBasis(basis))
