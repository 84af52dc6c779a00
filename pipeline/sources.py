"""The source list: which feeds are polled, declared in TOML and checked when read.

[[source]]
id = "example-technology"          # stable: entries are filed under it
name = "The Example – Technology"
url = "https://example.com/technology/rss"
homepage = "https://example.com/"  # and all that follows: optional
country = "GB"                     # ISO 3166-1 alpha-2, or "EU"
language = "en"                    # "" where it is unknown or mixed
owner = "Example Media Group"
topics = ["technology"]
enabled = true
items_per_week = 40                # what to expect; less than that is worth a look
full_text = true                   # its items hold the whole article; left out, each item is judged
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pipeline.errors import SourceListError
from pipeline.ids import content_id
from pipeline.types import Source
from pipeline.urls import absolute_url, canonical_url

KEYS: Final = tuple(field.name for field in fields(Source))
REQUIRED: Final = ("id", "name", "url")
ID = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
HEADER = re.compile(r"\s*\[\[\s*(?:source|\"source\"|'source')\s*\]\]")
MULTILINE_QUOTES = re.compile("\"\"\"|'''")


def load_sources(path: Path) -> tuple[Source, ...]:
    """Return the sources that the file at `path` declares, in its order.

    Raises SourceListError, with file, line and entry, for a file that can't be read or is no TOML, unknown keys,
    values that make no sense, and two entries with one id or one URL.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise SourceListError(f"{path} does not exist", hint="`clampdown init` writes one to start from.") from error
    except OSError as error:
        raise SourceListError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SourceListError(f"{path} is not UTF-8 text", hint="Save it as UTF-8.") from error
    return parse_sources(text, name=str(path))


def parse_sources(text: str, *, name: str) -> tuple[Source, ...]:
    """Return the sources that the TOML `text` declares; `name` stands for the file in errors. See load_sources."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SourceListError(f"{name}: {error}", hint="Each feed is a [[source]] table of TOML.") from error
    strangers = sorted(data.keys() - {"source"})
    if strangers:
        raise SourceListError(f"{name}: unknown key {strangers[0]!r}", hint="Only [[source]] tables belong here.")
    tables = data.get("source", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SourceListError(f"{name}: `source` is no list of tables", hint="Write [[source]] with two brackets.")
    lines = _header_lines(text)
    sources: list[Source] = []
    seen: dict[str, str] = {}
    for number, table in enumerate(tables):
        line = f" line {lines[number]}," if len(lines) == len(tables) else ""
        where = f"{name}:{line} source {number + 1} ({table.get('id') or table.get('name') or 'without id'})"
        source = _source(table, where)
        for kind, value in (("id", source.id), ("URL", _key(source))):
            if f"{kind} {value}" in seen:
                raise SourceListError(
                    f"{where} has the same {kind} as {seen[f'{kind} {value}']}", hint="Remove or rename one of the two."
                )
            seen[f"{kind} {value}"] = source.id
        sources.append(source)
    return tuple(sources)


def render_sources(sources: Iterable[Source]) -> str:
    """Return `sources` as TOML that `parse_sources` reads back as they are; values at their default are left out."""
    return "\n".join(_rendered(source) for source in sources)


def new_sources(present: Iterable[Source], found: Iterable[Source]) -> tuple[Source, ...]:
    """Return those of `found` that can be added to `present`: no URL twice, and a free id for each."""
    present = tuple(present)
    keys = {_key(source) for source in present}
    ids = {source.id for source in present}
    added: list[Source] = []
    for source in found:
        key = _key(source)
        if key in keys:
            continue
        free = source if source.id not in ids else replace(source, id=f"{source.id[:54]}-{content_id(key)[:8]}")
        keys.add(key)
        ids.add(free.id)
        added.append(free)
    return tuple(added)


def default_sources() -> str:
    """Return the source list that a new project starts with, as TOML."""
    return files("pipeline").joinpath("defaults/sources.toml").read_text(encoding="utf-8")


def _key(source: Source) -> str:
    return canonical_url(source.url) or source.url


def _rendered(source: Source) -> str:
    lines = ["[[source]]"]
    for field in fields(Source):
        value = getattr(source, field.name)
        if field.name in REQUIRED or value != field.default:
            lines.append(f"{field.name} = {_literal(value)}")
    return "\n".join(lines) + "\n"


def _literal(value: object) -> str:
    """A TOML literal. JSON's are TOML's for strings and lists of strings, save that TOML wants DEL escaped."""
    if value is None:
        return '""'
    if isinstance(value, tuple):
        value = list(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _header_lines(text: str) -> list[int]:
    """The numbers of the lines that open a [[source]] table; none where strings of many lines make that unsure."""
    if MULTILINE_QUOTES.search(text):
        return []
    return [number for number, line in enumerate(text.splitlines(), 1) if HEADER.match(line)]


def _source(table: Mapping[str, Any], where: str) -> Source:
    for key in table:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            raise SourceListError(
                f"{where}: unknown key {key!r}",
                hint=f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(KEYS)}.",
            )
    for key in REQUIRED:
        if key not in table:
            raise SourceListError(f"{where}: {key!r} is missing", hint=f"Each source needs {', '.join(REQUIRED)}.")
    reader = _Reader(table, where)
    identifier = reader.text("id") or ""
    if not ID.fullmatch(identifier):
        raise reader.wrong("id", "lower-case letters, digits, '.', '_' and '-', at most 64")
    name = reader.text("name")
    if not name:
        raise reader.wrong("name", "a name")
    return Source(
        id=identifier,
        name=name,
        url=reader.url("url") or "",
        homepage=reader.url("homepage"),
        country=reader.matching("country", r"[A-Z]{2}", "two capital letters (ISO 3166-1 alpha-2), or EU"),
        language=reader.matching("language", r"[a-z]{2,3}", "a language code such as en")
        if "language" in table
        else "en",
        owner=reader.text("owner"),
        topics=reader.texts("topics"),
        enabled=reader.truth("enabled", default=True) is not False,
        items_per_week=reader.positive("items_per_week"),
        full_text=reader.truth("full_text", default=None),
    )


class _Reader:
    """Reads the values of one table, each with the type it must have."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self.table = table
        self.where = where

    def wrong(self, key: str, wanted: str) -> SourceListError:
        return SourceListError(f"{self.where}: {key} = {self.table[key]!r} can't be used", hint=f"It must be {wanted}.")

    def text(self, key: str) -> str | None:
        value = self.table.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.wrong(key, "a text in quotes")
        return value.strip() or None

    def url(self, key: str) -> str | None:
        value = self.text(key)
        if value is None and key not in REQUIRED:
            return None
        if value is None or absolute_url(value) is None:
            raise self.wrong(key, "an address that begins with http:// or https://")
        return value

    def matching(self, key: str, pattern: str, wanted: str) -> str | None:
        value = self.text(key)
        if value is not None and not re.fullmatch(pattern, value):
            raise self.wrong(key, wanted)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, 'a list of texts, such as ["technology"]')
        return tuple(item.strip() for item in value if item.strip())

    def truth(self, key: str, *, default: bool | None) -> bool | None:
        value = self.table.get(key, default)
        if value is not default and not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return None if value is None else bool(value)

    def positive(self, key: str) -> float | None:
        value = self.table.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
            raise self.wrong(key, "a number above 0")
        return float(value)
