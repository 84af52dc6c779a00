"""How an event is shown: in plain words, within the width of the terminal, with addresses that can be copied."""

import io
from datetime import UTC, date, datetime

import pytest
from lifecycle_cases import context
from rich.console import Console

from clampdown.commands.event_shown import MENTIONS, day, event_lines
from pipeline.consensus import agree
from pipeline.dissent import dissents
from pipeline.statements import read_statement
from pipeline.types import SIDE, MentionContext, TextOrigin
from warehouse.grounds import grounds
from warehouse.query import ArticleLine, EventDetail, EventRow, MentionDetail, StepDetail, Voice

URL = "https://alpha.example/news/2025/02/a-rather-long-address-that-no-terminal-of-eighty-columns-holds-in-one-line"
COURT = {"actor": "Constitutional Court of Italy", "kind": "court"}


def article(number: int) -> ArticleLine:
    return ArticleLine(
        f"d{number}", f"Report {number}", f"{URL}/{number}", f"Outlet {number}", None, f"House {number}",
        date(2025, 1, 31), TextOrigin.PAGE, False, f"s{number}", False, None, 1, datetime(2025, 2, 1, tzinfo=UTC),
    )  # fmt: skip


def detail(contexts: list[MentionContext], court: MentionContext | None = None, **changes: object) -> EventDetail:
    statements = [read_statement(one) for one in contexts]
    told = [s for s in statements if s.family != "lift"]
    lifts = [s for s in statements if s.family == "lift"]
    event = agree("event0123456789", told, lifts, [read_statement(court)] if court else [])
    why = grounds(told, lifts, {})
    fields = {name: getattr(event, name) for name in EventRow.__dataclass_fields__ if hasattr(event, name)}
    row = EventRow(**(fields | {
        "side": SIDE[event.action], "service": event.service_canonical, "actor": event.actor_canonical,
        "date_from": None, "date_to": None,
    }))  # fmt: skip
    mentions = tuple(
        MentionDetail(
            one.mention.id, one.mention, article(number), 1, f"Report {number}", one.published, one.learned_on,
            one.withdrawn_on, why[one.mention.id].words if one.mention.id in why else None,
            why[one.mention.id].nearest if one.mention.id in why else None,
        )
        for number, one in enumerate(contexts, 1)
    )  # fmt: skip
    own = {one.id: one for one in mentions}
    steps = tuple(
        StepDetail(
            step, own[step.mention_id].mention.trigger.text, own[step.mention_id].article.source, step.reported_on, URL
        )
        if step.mention_id in own
        else StepDetail(step, "struck down", "The Court", step.reported_on, URL, "ruling0123456789")
        for step in event.transitions
    )
    voices = tuple(Voice((f"Outlet {n}",), (f"House {n}",), 1, 1, (one.id,)) for n, one in enumerate(mentions, 1))
    made = {"merged": (), "parted_from": (), "parted": (), "asked": None} | changes
    return EventDetail(row, "Italy", steps, mentions, voices, (), dissents(told, lifts), **made)


def printed(found: EventDetail, width: int, *, everything: bool = False) -> list[str]:
    out = Console(file=io.StringIO(), width=width, highlight=False)
    for line in event_lines(found, out, everything=everything):
        out.print(line, soft_wrap=True)
    written = out.file
    assert isinstance(written, io.StringIO)
    return written.getvalue().splitlines()


@pytest.fixture
def whole() -> EventDetail:
    contexts = [
        context(1, date="2025-01-30", scope="schools and universities of the whole country", scope_class="schools"),
        context(2, date="2025-01-30"),
        context(3, date="2025-01-29", withdrawn="2025-02-02"),
        context(4, date="2025-01-28"),
        context(5, "will lift", action="lift", status="announced", on="2025-02-20", date="2025-09-01"),
    ]
    ruling = context(9, "struck down", action="lift", on="2025-06-02", date="2025-06-01", **COURT)
    return detail(contexts, ruling, merged=("old0123456789",), parted_from=("was0123456789",), asked="old0123456789")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_but_for_addresses(whole: EventDetail, width: int) -> None:
    lines = printed(whole, width)
    assert all(len(line) <= width or line.strip().startswith("https://") for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert any(line.strip() == f"{URL}/1" for line in lines)


def test_it_says_what_a_stranger_asks(whole: EventDetail) -> None:
    text = "\n".join(printed(whole, 120))
    for words in (
        "DeepSeek blocked in Italy – struck down 1 Jun 2025",
        "by        Garante per la protezione dei dati personali  data protection",
        "told      by 4 independent voices: 4 stories, 4 articles, 31 Jan 2025 to 20 Feb 2025",
        "took in old01234; parted from was01234",
        "old0123456789 was merged into this event.",
        "30 Jan 2025    in force     “blocked” [",
        "31 Jan 2025; learned 31 Jan 2025",
        "2 Feb 2025     retracted    1 article states it no longer; “blocked” [3]",
        "by 20 Feb 2025 end planned  to take effect 1 September 2025; “will lift” [5]",
        "1 Jun 2025     struck down  by Constitutional Court of Italy; “struck down” (event ruling01) The Court",
        "date      2 sources say 30 January 2025, 1 says 28 January 2025  [4]",
        "withdrawn 2 Feb 2025: the article states it no longer",
        "1  Outlet 1 (owned by House 1)  1 story, 1 article  [1]",
        "tells of its end, by the same actor",
    ):
        assert words in text, words
    assert text.count("like [") + text.count("about [") == len(whole.mentions) - 1


def test_many_mentions_are_shown_on_request() -> None:
    found = detail([context(n, date="2025-01-30") for n in range(1, MENTIONS + 4)])
    assert "  … and 3 more mentions with --all" in printed(found, 80)
    assert any(f"[{MENTIONS + 3}] Report" in line for line in printed(found, 80, everything=True))


def test_what_a_page_says_steers_no_terminal() -> None:
    found = detail([context(1, "blocked\x1b[31m", actor="Evil\x07 body", date="2025-01-30")])
    text = "\n".join(printed(found, 80))
    assert "\x1b[31m" not in text
    assert "\x07" not in text


@pytest.mark.parametrize(
    ("value", "words"), [("2025-02-04", "4 Feb 2025"), ("2025-02", "Feb 2025"), ("2025", "2025"), (None, "?")]
)
def test_days_in_short(value: str | None, words: str) -> None:
    assert day(value) == words
