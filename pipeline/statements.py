"""Mentions, reduced to what is compared between them."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from pipeline.lineage import Lineage
from pipeline.names import UNKNOWN_COUNTRY, BodyName, reduce_name
from pipeline.scopes import Scope, read_scope
from pipeline.types import Action, ActorKind, Mention, MentionContext, Status


class Family(StrEnum):
    """Actions that can be one happening: restrictions are worded in many ways, the others stand for themselves."""

    RESTRICT = "restrict"
    WARN = "warn"
    INVESTIGATE = "investigate"
    PENALIZE = "penalize"
    LIFT = "lift"


_FAMILIES = {action: Family(action.value) for action in Action if action.value in set(Family)}


def family_of(action: Action) -> Family:
    """Return the family of an action."""
    return _FAMILIES.get(action, Family.RESTRICT)


_COMPANIES = (ActorKind.COMPANY, ActorKind.APP_STORE)

_RECURRING = re.compile(
    r"\b(?:internet|broadband|mobile data|[2345]g|sms|text messag\w*|phone (?:calls?|networks?|services?)|voice calls?"
    r"|(?:mobile|cellular|telephone|phone|cell) (?:networks?|services?|phone services?)|connectivity|telephony)\b"
)


@lru_cache(maxsize=4096)
def service_key(service: str) -> str:
    """Return the name of a service in the form in which mentions are grouped: case and punctuation put aside."""
    return " ".join(re.findall(r"[\w+#]+", service.casefold()))


@lru_cache(maxsize=4096)
def is_recurring(service: str) -> bool:
    """Whether a service is of the kind that is cut off again and again, place by place."""
    return _RECURRING.search(service_key(service)) is not None


@dataclass(frozen=True, slots=True)
class Statement:
    """A mention, reduced to what is compared. `first` and `last` bound the stated date, as ordinals of days.

    An announced or proposed date that lies ahead of its report reaches back to the report: the measure is under way.
    """

    mention_id: str
    context: MentionContext
    body: BodyName | None
    country: str | None
    family: Family
    scope: Scope
    first: int | None
    last: int | None
    reported: int | None

    @property
    def month(self) -> str:
        """The month of its report, `YYYY-MM`, or that in which we learned of it, where its article has no date.

        Empty where we know neither. So what comes without a date touches no month of years ago.
        """
        if self.reported is not None:
            return date.fromordinal(self.reported).isoformat()[:7]
        learned = self.context.learned_on
        return "" if learned is None else learned.isoformat()[:7]

    @property
    def is_unknown(self) -> bool:
        """Whether no actor is named, or only the sort of body."""
        return self.body is None or self.body.is_vague


def block_key(mention: Mention) -> str:
    """Return the key of a mention's block: mentions of two blocks never share a happening.

    A block is one service and the country whose bodies act on it, or all companies that do: the name of a company means
    the same everywhere, and the country in which it acted may be told in several ways.
    """
    return block_of(mention.service_canonical, mention.country, mention.actor_canonical, mention.actor_kind)


def block_of(service: str, country: str, actor: str | None, kind: ActorKind | None) -> str:
    """Return the key of the block in which a mention with these values is."""
    return f"{service_key(service)}|{'firms' if actor and kind in _COMPANIES else country or UNKNOWN_COUNTRY}"


def is_company(mention: Mention) -> bool:
    """Whether the actor is a company, whose name means the same in every country."""
    return mention.actor_kind in _COMPANIES


def read_statement(context: MentionContext, lineage: Lineage | None = None) -> Statement:
    """Reduce a mention. `lineage` knows the registered bodies; without it, their names speak for themselves."""
    mention = context.mention
    country = None if mention.country in ("", UNKNOWN_COUNTRY) else mention.country
    body = None
    if mention.actor_canonical is not None and mention.actor_canonical.strip():
        body = reduce_name(mention.actor_canonical, None if is_company(mention) else country)
        body = body if lineage is None else lineage.settle(body)
    reported = None if context.published is None else context.published.toordinal()
    first, last = stated_days(mention.date_value) or (None, None)
    if first is not None and reported is not None and mention.status in (Status.ANNOUNCED, Status.PROPOSED):
        first = min(first, reported)
    scope = read_scope(mention.scope.text if mention.scope else None, mention.scope_class)
    return Statement(mention.id, context, body, country, family_of(mention.action), scope, first, last, reported)


@lru_cache(maxsize=4096)
def stated_days(value: str | None) -> tuple[int, int] | None:
    """Return first and last day, as ordinals, of `YYYY-MM-DD`, `YYYY-MM` or `YYYY`; None where it is none of these."""
    match = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", value or "")
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None, "the pattern demands a year"
    try:
        first = date(year, month or 1, day or 1)
        if day is not None:
            last = first
        elif month is not None:
            last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        else:
            last = date(year, 12, 31)
    except (ValueError, OverflowError):
        return None
    return first.toordinal(), last.toordinal()
