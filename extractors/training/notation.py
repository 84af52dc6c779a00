"""A short notation in which annotated passages are written by hand, and its check.

    @ wX-001 2024-03-05
    Kestrel Bank bars chatbots
    It barred staff from chatbots on Monday over leaks. The text takes as many lines as it needs.
    > ban | in_force | barred | Kestrel Bank | IE | chatbots = generative AI | staff | - | leaks : other

One `>` line is one event: action, status, trigger, actor, country, service, scope, date, reason. `-` stands for what
the passage does not state, `quote = value` gives the canonical name or the date, `quote : class class` the classes of
the reason, and `>?` marks an optional event. A canonical name that equals its quote is left out. Where the texts are
kept elsewhere only the `@` and `>` lines are given.

`python -m extractors.training.notation FILE.txt [--texts PASSAGES.jsonl] [--corpus NAME] [--out FILE.jsonl]`
checks every line and writes JSON lines; each fault is named with its line.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.types import Action, ReasonClass, Status

PARTS = 9
_HEADER = re.compile(r"@\s*(\S+)(?:\s+(\d{4}-\d{2}-\d{2}|-))?\s*$")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?$")
_LEADING = re.compile(r"(the|a|an)\s|(The|A|An)\s[a-z]")  # but “The Pirate Bay” is a name


class Faults(ValueError):
    """What is wrong with a file, one line per fault."""


def read_notation(
    lines: Iterable[str], corpus: str, texts: Mapping[str, Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Return the passages as records of the annotation format. Raises Faults.

    `texts` holds records ("text", "published") by id, for annotations whose text is kept elsewhere.
    """
    faults: list[str] = []
    records: dict[str, dict[str, Any]] = {}
    pending: list[tuple[int, str, dict[str, Any]]] = []
    current: dict[str, Any] | None = None
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip()
        if line.startswith("@"):
            match = _HEADER.match(line)
            if match is None:
                faults.append(f"line {number}: a header is “@ id date”")
                current = None
                continue
            name, published = match.groups()
            if name in records:
                faults.append(f"line {number}: {name} occurs twice")
            known = (texts or {}).get(name, {})
            if texts is not None and not known:
                faults.append(f"line {number}: no text is known of {name}")
            current = {
                "id": name,
                "corpus": known.get("corpus", corpus),
                "published": known.get("published") if published in (None, "-") else published,
                "text": known.get("text", ""),
                "events": [],
            }
            records[name] = current
        elif current is None:
            if line:
                faults.append(f"line {number}: text before the first header")
        elif line.startswith(">"):
            pending.append((number, line, current))
        elif texts is None and (line or current["text"]):
            if current["events"] or any(owner is current for _, _, owner in pending):
                if line:
                    faults.append(f"line {number}: text after the events of {current['id']}")
            else:
                current["text"] += line + "\n"
    for record in records.values():
        record["text"] = record["text"].strip() if texts is None else record["text"]
        if not record["text"]:
            faults.append(f"{record['id']} has no text")
    for number, line, record in pending:
        try:
            event = _event(line, record["text"])
        except ValueError as fault:
            faults.append(f"line {number} ({record['id']}): {fault}")
            continue
        if any(_key(event) == _key(other) for other in record["events"]):
            faults.append(f"line {number} ({record['id']}): this event is there already")
        record["events"].append(event)
    if faults:
        raise Faults("\n".join(faults))
    return list(records.values())


def _key(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(event[name] for name in ("action", "status", "actor_canonical", "service_canonical", "scope", "date"))


def _event(line: str, text: str) -> dict[str, Any]:
    optional = line.startswith(">?")
    parts = [part.strip() for part in line[2 if optional else 1 :].split("|")]
    if len(parts) != PARTS:
        raise ValueError(f"{len(parts)} parts instead of {PARTS}")
    action, status, trigger, actor, country, service, scope, date, reason = parts
    actor_quote, actor_name = _pair(actor)
    service_quote, service_name = _pair(service)
    date_quote, date_value = _pair(date)
    reason_quote, _, classes = reason.rpartition(" : ") if " : " in reason else (reason, "", "")
    event: dict[str, Any] = {
        "action": _member(Action, action),
        "status": _member(Status, status),
        "trigger": trigger,
        "actor": actor_quote,
        "actor_canonical": actor_name,
        "country": country,
        "service": service_quote,
        "service_canonical": service_name,
        "scope": None if scope == "-" else scope,
        "date": date_quote,
        "date_value": date_value if "=" in date else None,
        "reason": None if reason_quote == "-" else reason_quote,
        "reason_classes": [_member(ReasonClass, name) for name in classes.replace(",", " ").split()],
    }
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise ValueError(f"“{country}” is no country code")
    if event["date_value"] is not None and not _DATE.match(event["date_value"]):
        raise ValueError(f"“{event['date_value']}” is no date")
    if event["service"] is None:
        raise ValueError("an event has a service")
    if (event["reason"] is None) != (not event["reason_classes"]):
        raise ValueError("a reason has classes, and classes have a reason")
    for name in ("trigger", "actor", "service", "scope", "date", "reason"):
        quote = event[name]
        if quote is None:
            continue
        if quote not in text:
            raise ValueError(f"{name} “{quote}” is not in the text")
        if quote[-1] in ",.;:" and not re.search(
            r"\b(\w\.)+$|\b(Inc|Corp|Co|Ltd|Jan|Feb|Aug|Sept|Oct|Nov|Dec)\.$", quote
        ):
            raise ValueError(f"{name} “{quote}” ends in punctuation")
        if name != "trigger" and _LEADING.match(quote):
            raise ValueError(f"{name} “{quote}” begins with an article")
    if optional:
        event["optional"] = True
    return event


def _pair(part: str) -> tuple[str | None, str | None]:
    quote, separator, value = part.partition(" = ")
    if quote == "-":
        return None, None
    return quote, value.strip() if separator else quote


def _member(kind: Any, value: str) -> str:
    try:
        return str(kind(value).value)
    except ValueError:
        raise ValueError(f"“{value}” is none of {', '.join(kind)}") from None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--texts", type=Path, default=None, help="JSON lines with the texts, by id")
    parser.add_argument("--corpus", default="written")
    parser.add_argument("--out", type=Path, default=None, help="where the JSON lines go; only a check without it")
    given = parser.parse_args()
    texts = None
    if given.texts is not None:
        with given.texts.open(encoding="utf-8") as lines:
            texts = {record["id"]: record for record in map(json.loads, lines)}
    try:
        with given.file.open(encoding="utf-8") as lines:
            records = read_notation(lines, given.corpus, texts)
    except Faults as faults:
        print(f"{given.file}:\n{faults}", file=sys.stderr)
        return 1
    if given.out is not None:
        with given.out.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    events = sum(len(record["events"]) for record in records)
    empty = sum(not record["events"] for record in records)
    print(f"{len(records)} passages, {events} events, {empty} passages without one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
