"""How `review` looks in a terminal: questions, the log, and what a decision has brought."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import set_cell_size
from rich.text import Text

from clampdown.commands.query import ID_SHOWN
from clampdown.output import printable, shorten

if TYPE_CHECKING:
    from pipeline.decision_types import Decision
    from warehouse.query import Reader
    from warehouse.review import EventLine, LoggedDecision, Question

_HEADS = {
    "pair": "one event or two?",
    "score": "an event at all?",
    "disagreement": "what is right?",
    "grown": "rejected, and told again",
    "lost": "a decision without its articles",
}
_ANSWERS = {
    "pair": ("same A B", "different A B"),
    "score": ("restore EVENT", "reject EVENT"),
    "disagreement": ("edit EVENT field=value", "restore EVENT", "different EVENT --article ID"),
    "grown": ("restore EVENT", "reject EVENT"),
    "lost": ("undo DECISION",),
}
_MEANS = {
    "pair": "one, or two",
    "score": "it is right, or it is none",
    "disagreement": "say what holds, that it is right as it stands, or that an article tells of another",
    "grown": "it is an event after all, or it is still none",
    "lost": "take it back, and decide anew where that is due",
}
_STATES = {"in_force": "green", "undone": "dim", "overruled": "yellow", "lost": "yellow"}
_INDENT = 4
WIDE = 100
"""Columns from which on there is room for everything."""

_COLOURS = {"lift": "green", "warn": "yellow", "investigate": "yellow", "penalize": "yellow"}


def question_lines(found: "Sequence[Question]", limit: int, width: int) -> Iterator[Text]:
    """Questions with numbers, then how to answer them."""
    if not found:
        yield Text("Nothing waits for a person.")
        return
    for number, question in enumerate(found[:limit], 1):
        head = Text.assemble((f"{number:>2}  ", "bold"), (_HEADS[question.kind], "bold"))
        subjects = {f"{line.service}, {line.country}" for line in question.events}
        if len(subjects) == 1:
            head.append(f"  {printable(min(subjects))}")
        if question.points is not None:
            head.append(f"  {question.points:g} points", style="dim")
        if question.decision_id is not None:
            head.append(f"  {question.decision_id[:ID_SHOWN]}", style="cyan")
        yield head
        for line in question.events:
            yield event_line(line, width, told=len(subjects) == 1)
        yield from _wrapped(question.why, width, "dim")
        yield Text()
    more = f", {len(found) - limit} more with --limit" if len(found) > limit else ""
    yield Text(f"{min(limit, len(found))} of {len(found)} questions, the most useful first{more}", style="dim")
    yield Text("\nAnswer with `clampdown review`, and --reason to say why", style="bold")
    for kind in dict.fromkeys(question.kind for question in found[:limit]):
        yield Text.assemble((f"  {'  |  '.join(_ANSWERS[kind])}", "cyan"))
        yield from _wrapped(_MEANS[kind], width, "dim")


def event_line(line: "EventLine", width: int, *, told: bool = False) -> Text:
    """An event in one line of at most `width` columns; `told` says that country and service have been named already.

    A narrow one has closer columns and no count of voices.
    """
    wide = width >= WIDE
    gap = 2 if wide else 1
    action = line.action if line.status == "in_force" else f"{line.action}, {line.status}"
    voices = f"{line.voices} {'voice' if line.voices == 1 else 'voices'}"
    fixed = {"id": ID_SHOWN, "date": 10, "country": 0 if told else 2, "voices": 9 if wide else 0}
    shares = {"actor": 6, "action": 3, "service": 0 if told else 4, "scope": 4}
    columns = sum(size > 0 for size in (*fixed.values(), *shares.values()))
    spare = max(width - _INDENT - sum(fixed.values()) - (columns - 1) * gap, 40)
    sizes = fixed | {name: spare * share // sum(shares.values()) for name, share in shares.items()}
    cells = {
        "id": (line.id[:ID_SHOWN], "cyan"),
        "date": (line.date_value or "undated", ""),
        "country": (line.country, ""),
        "actor": (line.actor or "–", ""),
        "action": (action, _COLOURS.get(line.action, "red")),
        "service": (line.service, "bold"),
        "scope": (line.scope or "", ""),
        "voices": (voices, "dim"),
    }
    text = Text(" " * _INDENT)
    for name, (words, style) in cells.items():
        if size := sizes[name]:
            text.append(set_cell_size(shorten(printable(words), size), size), style=style)
            text.append(" " * gap)
    text.rstrip()
    return text


def log_lines(found: "Sequence[LoggedDecision]", width: int) -> Iterator[Text]:
    """Decisions, two or three lines each."""
    if not found:
        yield Text("Nobody has decided anything yet.")
        return
    for one in found:
        yield Text.assemble(
            (one.id[:ID_SHOWN], "cyan"),
            f"  {one.decided_at:%Y-%m-%d %H:%M}  ",
            (_what(one), "bold"),
            "  ",
            (one.state.replace("_", " "), _STATES[one.state]),
        )
        events = one.events or one.about
        told = "events" if len(events) > 1 else "event"
        if events:
            then = "" if one.events else " (as it was then)"
            yield Text(f"{' ' * _INDENT}{told} {', '.join(id_[:ID_SHOWN] for id_ in events)}{then}", style="dim")
        yield from _wrapped(f"{one.author}: {one.reason}", width, "")
    yield Text(
        f"\n{len(found)} decisions. `clampdown review undo {found[0].id[:ID_SHOWN]}` takes back the first.", "dim"
    )


def waiting_line(decision: "Decision") -> Text:
    """A decision that only the archive has."""
    said = (
        f"{decision.id[:ID_SHOWN]} ({decision.kind}, {decision.author}) is kept, and waits for the next run or review"
    )
    return Text(printable(said), style="yellow")


def outcome_lines(reader: "Reader", made: "Sequence[Decision]", taken: int, width: int) -> Iterator[Text]:
    """What decisions have brought: their ids and states, and the events that they are about as they are now."""
    from warehouse.review import lines, log

    logged = {one.id: one for one in log(reader)}
    events: dict[str, None] = {}
    for decision in made:
        one = logged[decision.id]
        events |= dict.fromkeys(one.events)
        yield Text.assemble(
            ("decided  ", "green"), (one.id[:ID_SHOWN], "cyan"), f"  {_what(one)}  by {printable(one.author)}"
        )
        if one.state == "overruled":
            yield Text("         but later decisions say otherwise: see `clampdown review log`", style="yellow")
        if one.state == "lost":
            yield Text("         but no article states it any longer", style="yellow")
    if taken > len(made):
        yield Text(f"         and {taken - len(made)} that had waited in the archive", style="dim")
    if made[-1].kind == "different" and len(events) == 1:
        yield Text("         but it is still one event: the articles can't be told apart", style="yellow")
    known = lines(reader, events)
    for event_id in events:
        if event_id in known:
            yield event_line(known[event_id], width)


def _what(one: "LoggedDecision") -> str:
    if one.kind == "edit":
        return printable(f"edit: {one.field} = {one.value or 'not stated'}")
    if one.kind == "undo":
        return f"undo {(one.revokes or '')[:ID_SHOWN]}"
    return one.kind


def _wrapped(text: str, width: int, style: str) -> Iterator[Text]:
    for line in textwrap.wrap(printable(text), max(width - _INDENT, 30)):
        yield Text(" " * _INDENT + line, style=style)
