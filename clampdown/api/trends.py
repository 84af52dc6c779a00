"""The questions about trends, one method each: the table macros of the published file, typed."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from clampdown.api.answers import Answer

Every: TypeAlias = Literal["day", "week", "month", "quarter", "year"]
Basis: TypeAlias = Literal["stated", "reported"]
Partition: TypeAlias = Literal["all", "action", "actor_kind", "category", "country", "service", "scope_class", "sector"]
Dimension: TypeAlias = Literal[
    "all", "action", "reason", "actor_kind", "category", "country", "service", "scope_class", "sector"
]  # fmt: skip


class Trends:
    """The questions about trends of docs/trends.md: each method asks the macro of its name, and gives an Answer.

    `every` is how long a period is, `dimension` by what restrictions are parted. `basis="reported"` places what has no
    stated date by the day of its first report. `min_voices=2` counts only what two independent voices carry: far fewer
    of those are misread. `public_only` leaves out companies, app stores and schools. Services go by any name.

    >>> warehouse = clampdown.open("sample-data")
    >>> warehouse.trends.lead_lag("US", "AU", min_voices=2).dicts()[0]["a_first"] > 0
    True
    """

    def __init__(self, ask: "Callable[[str, dict[str, object]], Answer]") -> None:
        self._ask = ask

    def _macro(self, name: str, *values: object, **named: object) -> "Answer":
        placed = {f"p{at}": value for at, value in enumerate(values)}
        arguments = [f"${key}" for key in placed] + [f"{key} := ${key}" for key in named]
        return self._ask(f"FROM {name}({', '.join(arguments)})", placed | named)

    def trend(
        self,
        dimension: Dimension = "all",
        *,
        every: Every = "month",
        basis: Basis = "stated",
        ended: bool = False,
        min_voices: int = 1,
    ) -> "Answer":
        """Restrictions by period and dimension; with `ended`, those that ended, by the date of that."""
        return self._macro("trend", dimension, every=every, basis=basis, ended=ended, min_voices=min_voices)

    def reasons_over_time(
        self, service: str | None = None, *, every: Every = "month", basis: Basis = "stated", min_voices: int = 1
    ) -> "Answer":
        """How often each reason is given, of all services or one."""
        return self._macro("reasons_over_time", service, every=every, basis=basis, min_voices=min_voices)

    def spread(
        self, service: str, *, basis: Basis = "stated", public_only: bool = False, min_voices: int = 1
    ) -> "Answer":
        """How restrictions of a service spread: each country with its first one, its place, and the days since."""
        return self._macro("spread", service, basis=basis, public_only=public_only, min_voices=min_voices)

    def first_movers(
        self, service: str | None = None, *, basis: Basis = "stated", public_only: bool = False, min_voices: int = 1
    ) -> "Answer":
        """Who was first, tied, perhaps first, or followed, of one service or of each."""
        return self._macro("first_movers", service, basis=basis, public_only=public_only, min_voices=min_voices)

    def first_restrictions(
        self, service: str | None = None, *, basis: Basis = "stated", public_only: bool = False, min_voices: int = 1
    ) -> "Answer":
        """The first restriction of each country and service."""
        named: dict[str, object] = {"basis": basis, "public_only": public_only, "min_voices": min_voices}
        return self._macro("first_restrictions", **({} if service is None else {"service": service}), **named)

    def days_to_nth(
        self, n: int, *, basis: Basis = "stated", public_only: bool = False, min_voices: int = 1
    ) -> "Answer":
        """How many days passed from the first to the n-th country that restricted each service."""
        return self._macro("days_to_nth", n, basis=basis, public_only=public_only, min_voices=min_voices)

    def lead_lag(
        self, a: str, b: str, *, basis: Basis = "stated", public_only: bool = False, min_voices: int = 1
    ) -> "Answer":
        """How often country `a` was before `b`, or after, and by how many days. Both are codes."""
        return self._macro("lead_lag", a, b, basis=basis, public_only=public_only, min_voices=min_voices)

    def lead_lag_services(
        self, a: str, b: str, *, basis: Basis = "stated", public_only: bool = False, min_voices: int = 1
    ) -> "Answer":
        """The same, service by service."""
        return self._macro("lead_lag_services", a, b, basis=basis, public_only=public_only, min_voices=min_voices)

    def survival(self, dimension: Partition = "all") -> "Answer":
        """The share of restrictions still standing after so many days (Kaplan and Meier)."""
        return self._macro("survival", dimension)

    def rates(self, dimension: Dimension = "all", *, every: Every = "month", min_voices: int = 1) -> "Answer":
        """Restrictions per 1,000 articles read, with 95 % intervals: an outage is no calm."""
        return self._macro("rates", dimension, every=every, min_voices=min_voices)

    def matched_rates(self, *, every: Every = "month") -> "Answer":
        """Rates of the sources that were read in two neighbouring periods, so that new sources are no trend."""
        return self._macro("matched_rates", every=every)

    def coverage_by(self, *, every: Every = "month") -> "Answer":
        """How much was read in each period: sources, silent ones, articles, and the share of what was expected."""
        return self._macro("coverage_by", every=every)

    def in_force_on(self, day: date | str, *, known: date | str | None = None) -> "Answer":
        """The restrictions in force on a day, by what is known now or was known on another day."""
        named = {} if known is None else {"known": str(known)}
        return self._macro("in_force_on", str(day), **named)

    def known_on(self, day: date | str) -> "Answer":
        """Every event as it was known on that day."""
        return self._macro("known_on", str(day))
