"""What a person says of events, as drafts of decisions: they name the mentions that the events hold in a snapshot.

Whoever asks for an answer, in a terminal or on a page, makes decisions of it here: drafts first, from the events, then,
with a time, an author and a reason, the decisions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.decision_edits import checked
from pipeline.decision_types import Anchor, Decision, DecisionKind, Told
from pipeline.decisions import in_force
from pipeline.errors import InputError
from warehouse import names
from warehouse.event_detail import SHORTEST_PREFIX, find_event
from warehouse.reader import Reader


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that nobody has signed yet; its fields are those of `pipeline.decision_types.Decision`."""

    kind: DecisionKind
    one: tuple[Anchor, ...] = ()
    other: tuple[Anchor, ...] = ()
    about: tuple[str, ...] = ()
    field: str | None = None
    value: str | None = None
    revokes: str | None = None


def sign(drafts: Iterable[Draft], at: datetime, author: str, reason: str) -> list[Decision]:
    """The decisions that drafts become, in their order: each gets a time of its own, from `at` on.

    So each can be taken back by itself. Raises InputError where author or reason is empty or no text.
    """
    why = " ".join(reason.split())
    return [
        Decision(
            draft.kind, author, at + timedelta(microseconds=number), why, draft.one, draft.other, draft.field,
            draft.value, draft.revokes, draft.about,
        )
        for number, draft in enumerate(drafts)
    ]  # fmt: skip


def same(reader: Reader, event: str, other: str) -> Draft:
    """That two events, by ids or the beginnings of ids, are one. Raises InputError where they are already."""
    one, two = _find(reader, event), _find(reader, other)
    if one == two:
        raise InputError(f"{event} and {other} are one event already: {one}")
    return Draft(DecisionKind.SAME, _anchors(reader, one), _anchors(reader, two), (one, two))


def different(reader: Reader, event: str, other: str | None = None, articles: Sequence[str] = ()) -> Draft:
    """That two events are two; or, with `articles` by id or address, that these tell of another than the event's rest.

    Raises InputError where neither or both are given, and where that leaves nothing to tell apart.
    """
    if (other is None) == (not articles):
        raise InputError("name either a second event or articles (--article) of the event")
    one = _find(reader, event)
    if other is None:
        out, rest = _parted(reader, one, articles)
        return Draft(DecisionKind.DIFFERENT, rest, out, (one,))
    two = _find(reader, other)
    if one == two:
        raise InputError(
            f"{event} and {other} are one event: {one}",
            hint="--article says which of its articles tell of another; `clampdown show EVENT --json` has their ids.",
        )
    return Draft(DecisionKind.DIFFERENT, _anchors(reader, one), _anchors(reader, two), (one, two))


def edits(reader: Reader, event: str, values: Iterable[tuple[str, str]], *, new: bool = False) -> list[Draft]:
    """That fields of an event have these values: a draft each, the last of one field; an empty value is none stated.

    Countries, services and bodies go by any of their names. Raises InputError where a value fits nothing, or names a
    service that no list knows, unless it is said to be `new`.
    """
    one = _find(reader, event)
    fields: dict[str, str | None] = {}
    for name, value in values:
        field = name.strip().lower()
        fields[field] = checked(field, _named(reader, field, value.strip(), new=new))
    anchors = _anchors(reader, one)
    return [Draft(DecisionKind.EDIT, anchors, (), (one,), field, value) for field, value in fields.items()]


def rejected(reader: Reader, event: str) -> Draft:
    """That an event is none."""
    return _about_one(reader, DecisionKind.REJECT, event)


def restored(reader: Reader, event: str) -> Draft:
    """That an event is one after all; of one that was not rejected, that it is right as it stands."""
    return _about_one(reader, DecisionKind.RESTORE, event)


def undone(known: Sequence[Told], decision: str) -> Draft:
    """That a decision, by its id or the beginning of one, is taken back. `known` are all decisions.

    Raises InputError where none or more than one begins so, or it has been taken back.
    """
    prefix = decision.strip().lower()
    fits = [one for one in known if len(prefix) >= SHORTEST_PREFIX and one.id.startswith(prefix)]
    if len(fits) != 1:
        raise InputError(
            f"{'no' if not fits else 'more than one'} decision begins with {decision!r}",
            hint="`clampdown review log` lists them; give at least four characters.",
        )
    if fits[0].id not in in_force(known):
        raise InputError(f"decision {fits[0].id} has been taken back already")
    return Draft(DecisionKind.UNDO, about=fits[0].about, revokes=fits[0].id)


def _about_one(reader: Reader, kind: DecisionKind, event: str) -> Draft:
    one = _find(reader, event)
    return Draft(kind, _anchors(reader, one), (), (one,))


def _find(reader: Reader, event: str) -> str:
    current, _ = find_event(reader, event)
    return current


def _anchors(reader: Reader, event_id: str) -> tuple[Anchor, ...]:
    return tuple(anchor for anchor, _ in _placed(reader, event_id))


def _placed(reader: Reader, event_id: str) -> list[tuple[Anchor, str]]:
    """The anchors of an event's mentions (see `anchors_of`), each with its article's address."""
    rows = reader.rows(
        """
        SELECT m.mention_id, m.article_id, m.action, m.service_canonical, m.actor_canonical, m.trigger_quote,
            m.scope_quote, m.date_value, a.url
        FROM event_mentions AS em JOIN mentions AS m USING (mention_id) JOIN articles AS a USING (article_id)
        WHERE em.event_id = ? ORDER BY m.mention_id
        """,
        [event_id],
    )
    return [(Anchor(*row[:-1]), row[-1]) for row in rows]


def _parted(
    reader: Reader, event_id: str, named: Iterable[str]
) -> tuple[tuple[Anchor, ...], tuple[Anchor, ...]]:  # fmt: skip
    """The anchors of the named articles' mentions, and those of the rest. Raises InputError where either is empty."""
    placed = _placed(reader, event_id)
    articles = {anchor.article_id: url for anchor, url in placed}
    out: set[str] = set()
    for name in named:
        typed = name.strip()
        long_enough = len(typed) >= SHORTEST_PREFIX
        fits = [id_ for id_, url in articles.items() if url == typed or (long_enough and id_.startswith(typed.lower()))]
        if len(fits) != 1:
            listed = "; ".join(f"{id_[:8]} {url}" for id_, url in sorted(articles.items()))
            raise InputError(
                f"{'none' if not fits else 'more than one'} of the event's articles is {typed!r}",
                hint=f"They are {listed}.",
            )
        out.add(fits[0])
    if out == articles.keys():
        raise InputError("these are all of the event's articles: nothing is left of it to tell them from")
    return (
        tuple(anchor for anchor, _ in placed if anchor.article_id in out),
        tuple(anchor for anchor, _ in placed if anchor.article_id not in out),
    )


def _named(reader: Reader, field: str, value: str, *, new: bool) -> str:
    """A value with the registry's name for what was typed."""
    if not value:
        return value
    if field == "country":
        return names.country(reader, value)
    if field == "service":
        try:
            found = names.services(reader, value)
        except InputError as error:
            if new:
                return value
            raise InputError(str(error), hint=f"{error.hint or ''} --new takes it as it stands.".strip()) from None
        return found[0] if len(found) == 1 else value
    if field == "actor":
        return names.body(reader, value)
    return value
