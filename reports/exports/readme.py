"""What a data package says to people: what it holds, how to read and cite it, and whose words are in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from warehouse.rows import Rows

README = "README.md"
RIGHTS = "RIGHTS.md"

_README = """\
# Restrictions on digital services, as the news tell of them

Events – bans, blocks, suspensions, limits, removals, warnings, inquiries, penalties, and their ends – that Clampdown
has read out of news articles, each with the words that state it. `datapackage.json` describes every file and column.

{tables}

## How to read it

Times are UTC. Lists and maps are JSON. An empty field is one about which nothing is known or stated.
{guard}
## How far to trust it

A program reads the articles, and errs. The columns `score`, `voices` and `stories` say how sure and how well borne out
an event is; `manifest.json` says which model read. Events without a stated date are undated, not old; where few
articles were read, few events are found. An event is what the press reports, not a finding of law.

## How to cite it

    {citation}

Name the time of publication and the fingerprint: they tell which state of the data was used.
"""

_GUARD = """\

A text that a spreadsheet could take for a formula has an apostrophe in front of the sign that would begin it (=, +, -,
@, their full-width forms, a tab or a line break), and a text that begins with an apostrophe has one more. To have texts
as they were, replace in every text column

    ^'                                   by nothing, then
    ([;\\t\\r\\n][ "]*)'('*[=+\\-@＝＋－＠])   by what the two groups matched.
"""

_RIGHTS = """\
# Rights

What an event says – who did what, where, when – is fact. Titles, texts, quotes and names of authors are the words of
the publishers of the articles, and theirs; the columns `text`, `title`, `authors` and those that end in `_quote` hold
them. Whoever shares this package decides whether these may be shared, and under which licence the rest is given.

Registries of services, bodies and countries come with Clampdown, under the Apache License 2.0.
"""


def readme(tables: Sequence[Rows], counts: Mapping[str, int], manifest: Mapping[str, Any], *, guarded: bool) -> str:
    """The README of a package of `tables` with so many rows each; `guarded` as the CSV files are."""
    lines = ["| table | rows | what it holds |", "| --- | --- | --- |"]
    for one in tables:
        about = (one.about or "").replace("|", "\\|")
        lines.append(f"| {one.name} | {counts[one.name]:,} | {about} |")
    return _README.format(tables="\n".join(lines), guard=_GUARD if guarded else "", citation=citation(manifest))


def rights() -> str:
    """What a package says about rights."""
    return _RIGHTS


def citation(manifest: Mapping[str, Any]) -> str:
    """How to cite a snapshot, in one line."""
    parts = [f"Clampdown {manifest.get('version', '')}".rstrip()]
    if manifest.get("published_at"):
        parts.append(f"snapshot of {manifest['published_at'][:19]}Z")
    if manifest.get("model"):
        parts.append(f"model {manifest['model']}")
    if manifest.get("fingerprint"):
        parts.append(f"fingerprint {manifest['fingerprint'][:12]}")
    return ", ".join(parts) + "."
