"""The review page: one question at a time beside its evidence, answered with a key; and what was decided before.

It works without scripts: each answer is a button of a form.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from pipeline.decision_edits import FIELDS
from pipeline.errors import ClampdownError, InputError
from pipeline.matching import DIFFERENT_BELOW, SAME_FROM
from pipeline.types import Action, ActorKind, ReasonClass, ScopeClass, Status
from reports.dashboard import links
from reports.dashboard.events import event_rows
from reports.dashboard.paging import Tab, pager
from reports.dashboard.review_evidence import choices, compared, sides
from reports.dashboard.review_log import SHORT, LogLine, log_lines
from reports.dashboard.review_seam import VERBS, Answer, Carried, ReviewDesk
from reports.dashboard.snapshots import Held
from reports.dashboard.visit import Answer as Answered
from reports.dashboard.visit import NotFound, Redirect, Rendered, Visit
from reports.inert import line
from warehouse import review
from warehouse.dashboard import review as questions
from warehouse.event_list import EventRow
from warehouse.review_queue import Kind, Waiting, left, queue

KINDS: Final[Mapping[Kind, tuple[str, str]]] = {
    "lost": ("A decision without its articles", "Lost decisions"),
    "pair": ("One event or two?", "Pairs"),
    "disagreement": ("What is right?", "Disagreements"),
    "score": ("An event at all?", "Low scores"),
    "grown": ("Rejected, and told again", "Told again"),
}
"""What is asked, and what questions of the kind are called."""

_REASONS: Final[Mapping[Kind, str]] = {
    "lost": "its articles no longer state it",
    "pair": "compared side by side",
    "disagreement": "weighed what the stories say",
    "score": "read what the articles say",
    "grown": "read what has come since",
}
"""The reason that is put in, for a person to change."""

LOGGED: Final = 10
"""Decisions on one page of their list."""


@dataclass(frozen=True, slots=True)
class Button:
    """An answer: what the form says then, its key, and its words."""

    value: str
    key: str
    words: str


_KEEP = Button("keep", "k", "Right as it stands")
_REJECT = Button("reject", "r", "No restriction event")
_BUTTONS: Final[Mapping[Kind, tuple[Button, ...]]] = {
    "pair": (Button("same", "s", "The same event"), Button("different", "d", "Different events")),
    "score": (_KEEP, _REJECT),
    "disagreement": (_KEEP, _REJECT),
    "grown": (Button("keep", "k", "An event after all"), Button("reject", "r", "Still none")),
    "lost": (Button("undo", "t", "Take the decision back"),),
}
_EDITABLE: Final = ("score", "disagreement", "grown")


@dataclass(frozen=True, slots=True)
class Field:
    """A field that may be edited; `options` are the values to choose from, where these are all there are."""

    name: str
    label: str
    value: str
    hint: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What waits for a person, as it was in one version of the snapshot."""

    waiting: tuple[Waiting, ...]


def page(visit: Visit) -> Answered:
    """The page, or what becomes of an answer."""
    desk = visit.desk
    if desk is None:
        raise NotFound("Decisions are made elsewhere", "`clampdown dashboard --review` takes them, on this machine.")
    if visit.method == "POST":
        try:
            return _decided(visit, desk)
        except ClampdownError as error:
            return _shown(visit, desk, problem=_sentence(error))
    return _shown(visit, desk)


def warm(data: Held) -> None:
    """Look for the questions of a version before anybody asks: where a hundred thousand wait, it takes a second."""
    _asked(data)


def _decided(visit: Visit, desk: ReviewDesk) -> Redirect:
    form = visit.form
    answer = _answer(form)
    with visit.data.reader() as reader:
        made = desk.decide(reader, answer)
    back = form.get("next", "")
    if answer.verb == "undo":
        back = _about(_asked(visit.data).waiting, made[-1].about) or form.get("question", "")
    kind = form.get("kind", "")
    to = {"kind": kind if kind in KINDS else "", "question": back, "done": made[-1].id[:SHORT]}
    return Redirect(f"{links.review()}?{urlencode({name: value for name, value in to.items() if value})}")


def _about(waiting: Sequence[Waiting], event_ids: Sequence[str]) -> str | None:
    """The question about these events, which is asked again where a decision on them is taken back."""
    return next((one.id for one in waiting if set(one.event_ids) == set(event_ids)), None)


def _answer(form: Mapping[str, str]) -> Answer:
    """What a form says. `answer` is a verb, maybe with what it is about: "reject 5d1c…", "set date 2025-02-04"."""
    said, _, rest = form.get("answer", "").partition(" ")
    kind, *ids = form.get("question", "").split("-")
    values: tuple[tuple[str, str], ...] = ()
    decision = ""
    if said == "set":
        field, _, value = rest.partition(" ")
        said, values = "edit", ((field, line(value)),)
    elif said == "edit":
        values = tuple(
            (field, line(form[field])) for field in FIELDS if field in form and form[field] != form.get(f"was-{field}")
        )
    elif said == "reject" and rest:
        ids = [rest]
    elif said == "undo":
        decision = rest or (ids[0] if kind == "lost" and ids else "")
    if said not in VERBS:
        raise InputError(f"there is no answer {said!r}")
    return Answer(
        said,
        line(form.get("author", "")),
        line(form.get("reason", ""))
        or (line(form.get("author", "")) and "decided otherwise" if said == "undo" else ""),
        tuple(ids),
        values=values,
        takes_new=form.get("new") == "yes",
        decision=decision,
    )


def _shown(visit: Visit, desk: ReviewDesk, *, problem: str = "") -> Rendered:
    data, form = visit.data, visit.form
    carried = desk.carried(data.remember("review known", lambda: _known(data)))
    open_ = left(_asked(data).waiting, carried.waiting)
    kind = form.get("kind") or visit.one("kind") or ""
    some = [one for one in open_ if one.kind == kind] if kind in KINDS else open_
    wanted = form.get("question") or visit.one("question")
    place = next((number for number, one in enumerate(some) if one.id == wanted), 0)
    log = log_lines(data.remember("review log", lambda: _logged(data)), carried, visit.zone)
    part = pager(visit, len(log), LOGGED)
    values: dict[str, object] = {
        "tabs": _tabs(open_, kind),
        "total": len(open_),
        "kind": kind if kind in KINDS else "",
        "problem": problem,
        "is_gone": bool(wanted) and not problem and bool(some) and some[place].id != wanted,
        "state": _state(carried),
        "is_carrying": bool(carried.waiting),
        "author": form.get("author") or desk.author,
        "log": log[part.offset : part.offset + part.size],
        "pager": part,
        "undo": next((one for one in log if one.may_undo), None),
        "done": _done(visit.one("done"), log),
        "question": None,
    }
    if some:
        one = some[place]
        following = some[(place + 1) % len(some)]
        values |= {
            "question": one,
            "place": place + 1,
            "count_here": len(some),
            "next": following if following is not one else None,
            "next_address": _address(following.id, kind),
            "reason": form.get("reason") or _REASONS[one.kind],
            **data.remember(f"review evidence {one.id}", lambda: _evidence(data, one)),
        }
    return Rendered("review.html.j2", values, "Review", 400 if problem else 200)


def _evidence(data: Held, one: Waiting) -> dict[str, object]:
    rows = event_rows(data, questions.rows(one.event_ids))
    return {
        "heading": KINDS[one.kind][0],
        "why": _why(one),
        "sides": sides(data, one),
        "compared": compared(data, one) if one.kind == "pair" else (),
        "choices": choices(data, one),
        "buttons": _BUTTONS[one.kind],
        "fields": _fields(rows[0]) if one.kind in _EDITABLE and rows else (),
    }


def _why(one: Waiting) -> str:
    why = line(one.why)
    match one.kind:
        case "pair":
            return (
                f"What was compared: {why}. That makes {one.points:g} points; "
                f"from {SAME_FROM:g} on two are one event, below {DIFFERENT_BELOW:g} they are two."
            )
        case "score":
            return f"The model gives it {why.removeprefix('it scores ')} of 1 to be a restriction event."
        case "disagreement":
            return "The stories that tell of it do not state the same."
        case _:
            return f"{why[:1].upper()}{why[1:]}."


def _fields(row: EventRow) -> tuple[Field, ...]:
    scope = ": ".join(part for part in (row.scope_class and row.scope_class.value, row.scope) if part)
    actor = ": ".join(part for part in (row.actor_kind and row.actor_kind.value, row.actor) if part and row.actor)
    return (
        Field("action", "Does what", row.action.value, "", tuple(Action)),
        Field("status", "How far it has come", row.status.value, "", tuple(Status)),
        Field("actor", "Who", line(actor), f"A name, or a kind and a name, of {', '.join(ActorKind)}"),
        Field("country", "Of which country", row.country, "A code or a name; EU, or XX where it can’t be told"),
        Field("service", "To which service", line(row.service), "Any name of it"),
        Field("scope", "For whom", line(scope), f"A class, or a class and words, of {', '.join(ScopeClass)}"),
        Field("date", "When", row.date_value or "", "YYYY-MM-DD, YYYY-MM or YYYY; empty where none is stated"),
        Field("reasons", "Why", ", ".join(row.reason_classes), f"Classes between commas, of {', '.join(ReasonClass)}"),
    )


def _asked(data: Held) -> Asked:
    def made() -> Asked:
        with data.reader() as reader:
            return Asked(tuple(queue(reader)))

    return data.remember("review queue", made)


def _known(data: Held) -> frozenset[str]:
    with data.reader() as reader:
        return review.decision_ids(reader)


def _logged(data: Held) -> list[review.LoggedDecision]:
    with data.reader() as reader:
        return review.log(reader)


def _tabs(open_: Sequence[Waiting], kind: str) -> list[Tab]:
    counted = Counter(one.kind for one in open_)
    tabs = [Tab("All", len(open_), links.review(), kind not in KINDS)]
    for name, (_, words) in KINDS.items():
        if counted[name] or kind == name:
            tabs.append(Tab(words, counted[name], f"{links.review()}?kind={name}", kind == name))
    return tabs


def _address(question_id: str, kind: str) -> str:
    asked = {"kind": kind} if kind in KINDS else {}
    return f"{links.review()}?{urlencode({**asked, 'question': question_id})}"


def _state(carried: Carried) -> str:
    number = len(carried.waiting)
    if not number:
        return ""
    some = "1 decision is" if number == 1 else f"{number} decisions are"
    if carried.problem:
        return f"{some} kept and not carried out yet: {line(carried.problem)}."
    return f"{some} being carried out."


def _done(decision_id: str | None, log: Sequence[LogLine]) -> LogLine | None:
    if not decision_id or len(decision_id) < SHORT:
        return None
    return next((one for one in log if one.id.startswith(decision_id)), None)


def _sentence(error: ClampdownError) -> str:
    told = str(error)
    return " ".join(f"{part[:1].upper()}{part[1:].rstrip('.')}." for part in (told, error.hint or "") if part)
