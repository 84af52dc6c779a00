"""`eval`: how good extraction is, measured against annotated passages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, printable, table
from pipeline.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractors.evaluation import Evaluation
    from extractors.scoring import Fault, Report, Scored

BATCH = 64
LISTED = 20
"""Faults shown where a kind is asked for and no number."""
_LABELS = {
    "strict_precision": "strict precision",
    "strict_recall": "strict recall",
    "strict_f1": "strict F1",
    "lenient_precision": "lenient precision",
    "lenient_recall": "lenient recall",
    "lenient_f1": "lenient F1",
    "status": "status",
    "country": "country",
    "date_value": "date",
    "scope": "scope",
    "reason_classes_f1": "reason classes F1",
    "full_record": "full record",
}
_KINDS = ("missed", "spurious", "action", "actor", "service")


def evaluate(
    context: typer.Context,
    gold: Annotated[Path, typer.Argument(help="Annotated passages, JSON Lines", metavar="GOLD.jsonl")],
    predictions: Annotated[
        Path | None,
        typer.Option(help="Score these (as `extract --passages` prints them) and extract nothing", metavar="FILE"),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only gold lines with this “split”")] = None,
    min_score: Annotated[float | None, typer.Option(min=0, max=1, help="Leave out events scored below this")] = None,
    errors: Annotated[int | None, typer.Option(min=0, help="List up to so many faults, with the text beside")] = None,
    kind: Annotated[str | None, typer.Option(help=f"List faults of one kind: {', '.join(_KINDS)}")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Measure extraction against annotated passages: precision, recall, fields, calibration and faults.

    Strict: action, actor and service agree. Lenient: country, service and the side of the action do. Fields count over
    strict matches. Intervals hold 95 % of 1,000 bootstrap samples of passages.
    """
    from extractors.evaluation import as_json as plain
    from extractors.evaluation import evaluate as judge
    from extractors.evaluation import read_gold, read_lines

    if kind is not None and kind not in _KINDS:
        raise InputError(f"“{kind}” is no kind of fault", hint=f"Kinds: {', '.join(_KINDS)}")
    passages = read_gold(gold, split)
    wanted = {str(passage["id"]) for passage in passages}
    if predictions is not None:
        least = 0.0 if min_score is None else min_score
        told = [_above(line, least) for _, line in read_lines(predictions)]
        told = [line for line in told if split is None or str(line.get("id")) in wanted]
    else:
        told = _extract(context, passages, min_score)
    found = judge(passages, told)
    texts = {str(passage["id"]): str(passage.get("text", "")) for passage in passages}
    if as_json:
        print_json(plain(found, texts, errors))
        return
    _print(found)
    if kind is not None or errors:
        _print_faults(found.faults(kind)[: errors or LISTED], texts)


def _above(line: dict[str, Any], least: float) -> dict[str, Any]:
    events = line.get("events")
    if not isinstance(events, list):
        raise InputError(f"the prediction for {line.get('id', 'a passage without id')} has no list “events”")
    return line | {"events": [event for event in events if (event.get("score") or 1.0) >= least]}


def _extract(
    context: typer.Context, passages: "Sequence[Mapping[str, Any]]", min_score: float | None
) -> list[dict[str, Any]]:
    from extractors.evaluation import documents
    from extractors.extractor import load_extractor, passage_record
    from pipeline.batching import batches

    settings = load_settings(context, {"extract.min_score": min_score}).settings
    wanted = documents(passages)
    extractor = load_extractor(settings.extract)
    told = []
    for batch in batches(iter(wanted), BATCH):
        for document, mentions in zip(batch, extractor.extract(batch), strict=True):
            told.append(passage_record(document.id, mentions))
    return told


def _print(found: "Evaluation") -> None:
    out = console()
    report = found.overall
    optional = f" and {report.optional} optional" if report.optional else ""
    out.print(f"{report.passages} passages, {report.gold} events to find{optional}, {report.predicted} found\n")
    rows: list[list[Any]] = [
        [_LABELS[name], _percent(rate.value), _interval(rate.low, rate.high)] for name, rate in report.rates.items()
    ]
    out.print(table(None, ["measure", "%", "95 % interval"], rows))
    out.print(f"\nPassages without an event that got one: {found.empty_hit} of {found.empty}")
    kinds = [f"{kind} {len(found.faults(kind))}" for kind in _KINDS]
    out.print(f"Faults: {', '.join(kinds)}")
    for title, shares in (("By action", found.actions), ("By status", found.statuses)):
        rows = [[name, s.matched, s.spurious, s.missed, _percent(s.f1)] for name, s in shares.items()]
        out.print()
        out.print(table(title, ["class", "right", "spurious", "missed", "strict F1 %"], rows))
    if found.corpora:
        rows = [_corpus(name, part) for name, part in found.corpora.items()]
        out.print()
        out.print(
            table("By corpus", ["corpus", "passages", "events", "strict P %", "R %", "F1 %", "lenient F1 %"], rows)
        )
    if found.calibration:
        rows = [
            [name, value.count, _percent(value.mean), _percent(value.right), _percent(value.error)]
            for name, value in found.calibration.items()
        ]
        out.print()
        out.print(
            table("Do the scores mean it?", ["score of", "scored", "mean %", "right %", "calibration error %"], rows)
        )


def _corpus(name: str, part: "Report") -> list[Any]:
    shown = ("strict_precision", "strict_recall", "strict_f1", "lenient_f1")
    return [name, part.passages, part.gold, *(_percent(part.rates[rate].value) for rate in shown)]


def _print_faults(faults: "Sequence[Fault]", texts: "Mapping[str, str]") -> None:
    from extractors.evaluation import excerpt

    out = console()
    for fault in faults:
        out.print()
        out.print(Text.assemble((fault.kind, "bold"), f"  {printable(fault.id)}"))
        for label, event in (("wanted", fault.gold), ("found", fault.predicted)):
            if event is not None:
                out.print(Text(f"  {label:<7}{printable(_told(event))}"))
        event = fault.gold or fault.predicted
        before, trigger, after = excerpt(texts.get(fault.id, ""), event.trigger if event else "")
        out.print(
            Text.assemble("  … ", printable(before), " ", (printable(trigger), "bold"), " ", printable(after), " …")
        )


def _told(event: "Scored") -> str:
    score = "" if event.score is None else f", score {event.score:.2f}"
    actor = event.actor or "nobody named"
    return f"{actor} ({event.country}) · {event.action} · {event.service} · {event.status}{score}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{100 * low:.1f} – {100 * high:.1f}"
