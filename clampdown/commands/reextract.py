"""`reextract`: stored texts read again by the model of today, and what that changes."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, progress, table
from clampdown.turns import called, tell_of_turns

if TYPE_CHECKING:
    from flows.reextract import Differences, MentionExample, ReextractReport
    from pipeline.flow_log import Told
    from pipeline.settings import Settings
    from pipeline.types import Mention
    from warehouse.rereading import EventDifference

SHOWN = 6
"""Differences of each sort that are shown as examples."""

SORTS = ("added", "gone", "changed")
_COLOURS = {"added": "green", "appeared": "green", "gone": "red", "changed": "yellow"}
_PARTED = "lack an earlier text, and stand as they were: `clampdown rebuild` reads them from the archive"


def reextract(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report: change and publish nothing")] = False,
    since: Annotated[
        datetime | None,
        typer.Option(help="Leave out what was published before that day", formats=["%Y-%m-%d"]),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Read the stored texts again with the model of today, fetching nothing, and report what that changes.

    Texts that this model has read already are left out: a command that was stopped goes on where it was. What people
    have decided holds, and what was learned when stays as it was.
    """
    settings = load_settings(context).settings
    day = None if since is None else since.date()
    tell_of_turns(settings, "reextract")
    report = _tried(settings, day) if dry_run else _done(settings, day)
    if as_json:
        print_json(record(report))
    else:
        print_report(report)


def _tried(settings: "Settings", since: date | None) -> "ReextractReport":
    from flows.house import open_house
    from flows.reextract import reextract
    from pipeline.lease import lease

    with (
        progress() as bars,
        lease(settings.data_dir, holder="reextract", wait=settings.serve.wait),
        open_house(settings, holder="reextract") as house,
    ):
        return reextract(house, since=since, dry_run=True, progress=bars)


def _done(settings: "Settings", since: date | None) -> "ReextractReport":
    from flows.house import open_house
    from flows.reextract import reextract
    from flows.serving.perform import perform
    from flows.site_state import note_state

    def work(told: "Told") -> "ReextractReport":
        with progress() as bars, open_house(settings, holder="reextract") as house:
            report = reextract(house, since=since, progress=bars)
            note_state(house, None)
        told.facts.update(
            model=report.model,
            articles=report.articles,
            failed=report.failed,
            parted=report.parted,
            mentions=report.differences.mentions,
            events=report.event_counts,
            lost_decisions=len(report.lost),
        )
        return report

    return called(perform("reextract", settings, work, wait=settings.serve.wait))


def print_report(report: "ReextractReport") -> None:
    """Show counts first, then examples."""
    out, found = console(), report.differences
    read = f"{report.articles:,} articles by {report.model}"
    if report.done_before:
        read += f"; {report.done_before:,} had been read by it already"
    _line("read again", read)
    for number, why in ((report.failed, "could not be read, and stand as they were"), (report.parted, _PARTED)):
        if number:
            _line("left out", f"{number:,} {why}", "yellow")
    _line("mentions", _counted(found.mentions, SORTS) or "no difference")
    if found.fields:
        _line("", f"changed in {_counted(found.fields)}")
    for (before, after), number in sorted(found.outcomes.items()):
        _line("articles", f"{number:,} {before.value} → {after.value}")
    _line("events", _counted(report.event_counts) or "no difference")
    for ids, what in ((report.lost, "is about no mention any more"), (report.found, "is about a mention again")):
        for decision_id in ids:
            _line("decision", f"{decision_id} {what}", "yellow")
    if found.mentions:
        out.print()
        out.print(_by("action", found.by_action))
        out.print(_by("service", found.by_service))
        out.print(_examples(found))
    if shown := [one for one in report.events if one.kind != "rescored"]:
        rows = [_event_row(one) for one in shown[: 3 * SHOWN]]
        out.print(table("Events that differ", ("", "event", "what", "how"), rows))
        if len(shown) > len(rows):
            out.print(Text(f"… and {len(shown) - len(rows):,} more: --json tells all", style="dim"))
    if report.snapshot is None:
        out.print(Text("Nothing was changed: this was a dry run.", style="dim"))
    else:
        _line("published", f"{report.snapshot.database}{'' if report.snapshot.changed else ' (unchanged)'}")


def _line(name: str, said: str, style: str = "") -> None:
    console().print(Text.assemble((f"{name:11}", f"bold {style}"), (said, style)), soft_wrap=True)


def _counted(counts: Mapping[str, int], order: Iterable[str] | None = None) -> str:
    names = sorted(counts, key=lambda name: (-counts[name], name)) if order is None else list(order)
    return ", ".join(f"{counts[name]:,} {name}" for name in names if counts.get(name))


def _by(name: str, counts: Mapping[str, Mapping[str, int]]) -> Table:
    most = sorted(counts.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    rows = [(key, *(f"{of.get(sort, 0):,}" for sort in SORTS)) for key, of in most[: 2 * SHOWN]]
    return table(f"Mentions that differ, by {name}", (name, *SORTS), rows)


def _examples(found: "Differences") -> Table:
    rows = []
    for sort in SORTS:
        rows += [_example_row(one, sort) for one in found.examples if _sort(one) == sort][:SHOWN]
    return table("For example", ("", "claim", "how", "words"), rows)


def _sort(example: "MentionExample") -> str:
    one = example.difference
    return "added" if one.before is None else "gone" if one.after is None else "changed"


def _example_row(example: "MentionExample", sort: str) -> tuple[Text, str, str, str]:
    one, mention = example.difference, example.difference.mention
    claim = f"{mention.action.value} {mention.service_canonical} ({mention.country})"
    how = ", ".join(f"{name}: {_value(one.before, name)} → {_value(one.after, name)}" for name in one.fields)
    return Text(sort, style=_COLOURS[sort]), claim, how, f"“{mention.trigger.text}” in “{example.title}”"


def _value(mention: "Mention | None", name: str) -> str:
    assert mention is not None, "what differs in a field has two sides"
    values = {
        "action": mention.action.value,
        "status": mention.status.value,
        "service": mention.service_canonical,
        "country": mention.country,
        "actor": mention.actor_canonical,
        "scope": None if mention.scope is None else mention.scope.text,
        "date": mention.date_value,
        "reasons": "+".join(sorted(one.value for one in mention.reason_classes)) or None,
        "words": mention.trigger.text,
    }
    return values[name] or "–"


def _event_row(one: "EventDifference") -> tuple[Text, str, str, str]:
    how = ", ".join(f"{name}: {_short(was)} → {_short(now)}" for name, (was, now) in one.fields.items())
    if one.other_id is not None:
        how = f"{'from' if one.kind == 'split' else 'into'} {one.other_id}"
    kind = Text(one.kind, style=_COLOURS.get(one.kind, ""))
    return kind, one.event_id, f"{one.action} {one.service} ({one.country})", how


def _short(value: object) -> str:
    return "–" if value is None else "+".join(map(str, value)) if isinstance(value, list) else str(value)


def record(report: "ReextractReport") -> dict[str, Any]:
    """The report as a JSON object."""
    found = report.differences
    return {
        "model": report.model,
        "dry_run": report.dry_run,
        "articles": report.articles,
        "done_before": report.done_before,
        "failed": report.failed,
        "parted": report.parted,
        "mentions": {
            **{sort: found.mentions[sort] for sort in SORTS},
            "fields": found.fields,
            "by_action": found.by_action,
            "by_service": found.by_service,
            "examples": [_example_record(one) for one in found.examples],
        },
        "outcomes": [
            {"before": before.value, "after": after.value, "articles": number}
            for (before, after), number in sorted(found.outcomes.items())
        ],
        "events": {"counts": report.event_counts, "differences": report.events},
        "decisions": {"lost": report.lost, "found": report.found},
        "snapshot": report.snapshot,
    }


def _example_record(example: "MentionExample") -> dict[str, Any]:
    one, mention = example.difference, example.difference.mention
    return {
        "sort": _sort(example),
        "url": example.url,
        "title": example.title,
        "action": mention.action.value,
        "service": mention.service_canonical,
        "country": mention.country,
        "quote": mention.trigger.text,
        "fields": {name: [_value(one.before, name), _value(one.after, name)] for name in one.fields},
    }
