"""`extract`: texts in, events out, with nothing stored."""

import json
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clampdown.options import load_settings
from clampdown.output import console, fail, print_json, print_usage, printable
from pipeline.errors import ExtractionError, FetchError, InputError

if TYPE_CHECKING:
    from pipeline.types import Document, Mention

BATCH = 64
"""Passages per call of the model: enough to fill its batches, little enough to keep memory flat."""


def extract(
    context: typer.Context,
    inputs: Annotated[
        list[str] | None, typer.Argument(help="Files, URLs, or - for standard input", metavar="[FILE|-|URL]…")
    ] = None,
    published: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Publication date; without it relative dates stay unresolved"),
    ] = None,
    passages: Annotated[
        Path | None, typer.Option(help='JSON Lines of {"id","published","text"}; prints one object a line')
    ] = None,
    min_score: Annotated[float | None, typer.Option(min=0, max=1, help="Leave out events scored below this")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: one object, or one a line for several inputs")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell calls, tokens and cost of an LLM backend on standard error")
    ] = False,
) -> None:
    """Extract restriction events from plain text or HTML, and print them with their evidence."""
    from extractors.extractor import load_extractor, passage_record
    from pipeline.batching import batches

    if bool(inputs) == bool(passages):
        raise InputError(
            "name files, URLs or - to read, or --passages FILE.jsonl", hint="`clampdown extract --help` shows both"
        )
    settings = load_settings(context, {"extract.min_score": min_score}).settings
    day = published.date() if published else None
    documents = _passages(passages) if passages else _inputs(inputs or [], day, settings)
    extractor = load_extractor(settings.extract)
    several = passages is not None or len(inputs or []) > 1
    exit_code = 0
    try:
        for batch in batches(documents, BATCH):
            for document, found in zip(batch, extractor.extract(batch), strict=True):
                if as_json or passages:
                    print_json(passage_record(document.id, found), indent=None if several else 2)
                if isinstance(found, ExtractionError):
                    exit_code = fail(found)
                elif not (as_json or passages):
                    _print(document, found)
    finally:
        if verbose and extractor.meter is not None:
            print_usage(extractor.meter)
    if exit_code:
        raise typer.Exit(exit_code)


def _inputs(names: list[str], published: date | None, settings: Any) -> "Iterator[Document]":
    from pipeline.text import document_from_bytes

    for name in names:
        if name == "-":
            yield document_from_bytes(sys.stdin.buffer.read(), name="-", published=published)
        elif name.startswith(("http://", "https://")):
            yield _from_url(name, published, settings)
        else:
            path = Path(name)
            try:
                data = path.read_bytes()
            except OSError as error:
                raise InputError(f"{name}: can't be read: {error.strerror}") from None
            yield document_from_bytes(data, name=path.name, published=published)


def _from_url(url: str, published: date | None, settings: Any) -> "Document":
    """Fetch a page under the same guards as any article; its own date serves where none is given."""
    from pipeline.fetch import fetch_all
    from pipeline.text import read_article
    from pipeline.types import Document, Entry, FetchRequest

    (result,) = fetch_all([FetchRequest(url)], settings.fetch)
    if isinstance(result, FetchError):
        raise result
    article = read_article(Entry(source_id="", guid=url, url=url, canonical_url=url, title=""), result)
    stated = article.published.day if article.published else None
    return Document(url, article.text, published or stated)


def _passages(path: Path) -> "Iterator[Document]":
    from pipeline.types import Document

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read: {error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            day = date.fromisoformat(row["published"]) if row.get("published") else None
            yield Document(str(row["id"]), str(row["text"]), day)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}, line {number}: {type(error).__name__}: {error}",
                hint='each line is {"id": …, "published": "YYYY-MM-DD" or null, "text": …}',
            ) from None


def _print(document: "Document", mentions: "list[Mention]") -> None:
    from rich.text import Text

    out = console()
    out.print(Text(printable(document.id), style="bold"), Text(f"· {len(mentions)} events", style="dim"))
    for mention in mentions:
        who = mention.actor_canonical or "(no actor stated)"
        head = Text.assemble(
            "\n  ",
            (f"{mention.action} {mention.status.replace('_', ' ')}", "bold red"),
            "  ",
            (printable(mention.service_canonical), "bold"),
            "  by ",
            printable(who),
            f" ({mention.country})",
            (f"  {mention.date_value or 'undated'}  score {mention.score:.2f}", "dim"),
        )
        out.print(head)
        for name, quote in mention.quotes.items():
            out.print(
                Text.assemble(
                    "    ",
                    (f"{name:8}", "cyan"),
                    f"“{printable(quote.text)}”",
                    (f"  [{quote.start}:{quote.end}]", "dim"),
                )
            )
    out.print()
