"""The closed sets of values: the classes of the annotation guidelines, and how things end."""

from collections.abc import Mapping
from enum import StrEnum


class Action(StrEnum):
    """What is done, most forceful first (the order in which one measure told in two words is classed)."""

    BAN = "ban"
    BLOCK = "block"
    SUSPEND = "suspend"
    LIMIT = "limit"
    REMOVE = "remove"
    WARN = "warn"
    INVESTIGATE = "investigate"
    PENALIZE = "penalize"
    LIFT = "lift"


class Side(StrEnum):
    """The three sides on which actions stand when they are compared leniently."""

    RESTRICTING = "restricting"
    PRESSING = "pressing"
    EASING = "easing"


SIDE: Mapping[Action, Side] = {
    Action.BAN: Side.RESTRICTING,
    Action.BLOCK: Side.RESTRICTING,
    Action.SUSPEND: Side.RESTRICTING,
    Action.LIMIT: Side.RESTRICTING,
    Action.REMOVE: Side.RESTRICTING,
    Action.WARN: Side.PRESSING,
    Action.INVESTIGATE: Side.PRESSING,
    Action.PENALIZE: Side.PRESSING,
    Action.LIFT: Side.EASING,
}


class Status(StrEnum):
    """How far the measure has come."""

    IN_FORCE = "in_force"
    ANNOUNCED = "announced"
    PROPOSED = "proposed"
    REJECTED = "rejected"


class TransitionKind(StrEnum):
    """What a step in an event's life is."""

    PROPOSED = "proposed"
    ANNOUNCED = "announced"
    IN_FORCE = "in_force"
    EXTENDED = "extended"
    WIDENED = "widened"
    EASED = "eased"
    LIFTED = "lifted"
    STRUCK_DOWN = "struck_down"
    REJECTED = "rejected"
    CORRECTED = "corrected"
    RETRACTED = "retracted"
    REVIEWED = "reviewed"


class ReasonClass(StrEnum):
    """Why, in the words of the one who restricts."""

    PRIVACY = "privacy"
    NATIONAL_SECURITY = "national_security"
    CYBERSECURITY = "cybersecurity"
    SECURITY = "security"
    CONTENT = "content"
    CHILD_PROTECTION = "child_protection"
    PUBLIC_ORDER = "public_order"
    LEGAL = "legal"
    COMPETITION = "competition"
    INTELLECTUAL_PROPERTY = "intellectual_property"
    SAFETY = "safety"
    PRODUCTIVITY = "productivity"
    OTHER = "other"


class ScopeClass(StrEnum):
    """For whom or where, coarsely."""

    NATIONWIDE = "nationwide"
    SUBNATIONAL = "subnational"
    GOVERNMENT_DEVICES = "government_devices"
    MILITARY = "military"
    WORKPLACE = "workplace"
    SCHOOLS = "schools"
    MINORS = "minors"
    APP_STORES = "app_stores"
    CRITICAL_INFRASTRUCTURE = "critical_infrastructure"
    EXPORTS = "exports"
    OTHER = "other"


class ActorKind(StrEnum):
    """What sort of body restricts."""

    GOVERNMENT = "government"
    MINISTRY = "ministry"
    REGULATOR = "regulator"
    DATA_PROTECTION = "data_protection"
    COURT = "court"
    LEGISLATURE = "legislature"
    SUBNATIONAL = "subnational"
    MILITARY = "military"
    POLICE = "police"
    COMPANY = "company"
    SCHOOL = "school"
    APP_STORE = "app_store"
    INTERNATIONAL = "international"
    OTHER = "other"


class DateBasis(StrEnum):
    """Where a publication date comes from. There is no member for the time of collection: it is never a date."""

    FEED = "feed"
    META = "meta"
    URL = "url"


class TextOrigin(StrEnum):
    """Whether the stored text was read from the page or is the feed's own."""

    PAGE = "page"
    FEED = "feed"


class Outcome(StrEnum):
    """How a discovered entry ended: exactly one per entry, PENDING until then."""

    PENDING = "pending"
    EVENTS = "events"
    NO_EVENT = "no_event"
    GATED = "gated"
    SAME_STORY = "same_story"
    SAME_ARTICLE = "same_article"
    OTHER_LANGUAGE = "other_language"
    NO_TEXT = "no_text"
    UNSUPPORTED_TYPE = "unsupported_type"
    NOT_FOUND = "not_found"
    HTTP_ERROR = "http_error"
    TIMEOUT = "timeout"
    NETWORK_ERROR = "network_error"
    ROBOTS = "robots"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    QUARANTINED = "quarantined"


class FeedOutcome(StrEnum):
    """How one poll of one source ended."""

    OK = "ok"
    NOT_MODIFIED = "not_modified"
    EMPTY = "empty"
    BROKEN = "broken"
    GONE = "gone"
    NOT_FOUND = "not_found"
    HTTP_ERROR = "http_error"
    TIMEOUT = "timeout"
    NETWORK_ERROR = "network_error"
    ROBOTS = "robots"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    QUARANTINED = "quarantined"


class RevisitOutcome(StrEnum):
    """How asking again for a stored article ended. Unless it is CHANGED, what is stored stands."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    NOT_MODIFIED = "not_modified"
    KEPT = "kept"
    FAILED = "failed"
