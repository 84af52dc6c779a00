"""The page of promises, made from the registry and the kept figures: `python -m clampdown.guarantees`.

A test compares what this prints with `docs/guarantees.md`. `--keep FILE_OR_FOLDER…` takes over the results of full
forms, as `clampdown prove --full --to FOLDER` or `clampdown prove NAME --json > FILE` leave them.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from clampdown.proofs import results
from clampdown.proofs.registry import GUARANTEES, PROOFS, Entry, Guarantee
from clampdown.proofs.results import Result

NOT_YET = "not yet run in full"

_HEAD = """# What Clampdown promises

Made by `python -m clampdown.guarantees > docs/guarantees.md`.

Twelve promises, the hazard behind each, and the command that proves it on your machine. All proofs at once:

```console
$ clampdown prove                      # the short form of each: minutes
$ clampdown prove --full --to proofs   # everything as promised: hours; once more, it goes on where it was
$ clampdown prove --list               # the figures below, in the terminal
```

Each proof runs in a process of its own against servers on this machine; nothing leaves it. The exit status is 1
where a promise does not hold. What a proof needs and is not installed (Postgres, Dask, a mail server's library) it
says, and counts as not possible here, never as held. One proof alone runs in full, or as the tests do with `--short`:

```console
$ clampdown prove ssrf
$ clampdown prove crash --short --json
```
"""

_FOOT = """## Not promised

That mail arrives exactly once, that publishers keep their names and addresses, and that a well-formed article is true.
"""


def page() -> str:
    """Return the Markdown text."""
    kept = results.released()
    lines = [_HEAD, *_summary(kept)]
    for guarantee in GUARANTEES:
        lines += ["", f"## {guarantee.number}. {guarantee.promise}", "", f"The hazard: {_lower(guarantee.hazard)}", ""]
        lines += [guarantee.how]
        for entry in PROOFS:
            if guarantee.number in entry.guarantees:
                lines += ["", *_proof(entry, kept.get(entry.name), guarantee)]
    return "\n".join([*lines, "", _FOOT])


def _summary(kept: Mapping[str, Result]) -> Iterator[str]:
    yield "| | promise | proofs | in full |"
    yield "| --- | --- | --- | --- |"
    for guarantee in GUARANTEES:
        names = [entry.name for entry in PROOFS if guarantee.number in entry.guarantees]
        ran = [f"{name} {_ended(kept[name])}" for name in names if name in kept]
        missing = [name for name in names if name not in kept]
        if missing:
            ran.append(f"{', '.join(missing)} {NOT_YET}" if ran else NOT_YET)
        commands = ", ".join(f"`{name}`" for name in names)
        yield f"| {guarantee.number} | {guarantee.promise} | {commands} | {'; '.join(ran)} |"


def _ended(result: Result) -> str:
    return "holds" if result.state is results.State.HOLDS else "**does not hold**"


def _proof(entry: Entry, kept: Result | None, guarantee: Guarantee) -> Iterator[str]:
    if guarantee.number != entry.guarantees[0]:
        yield f"`clampdown prove {entry.name}`: under promise {entry.guarantees[0]}."
        return
    yield f"### `clampdown prove {entry.name}`"
    yield ""
    yield " ".join(entry.about.split())
    yield ""
    if kept is None:
        yield f"{NOT_YET.capitalize()}."
        return
    yield f"In full on {kept.at:%Y-%m-%d}, in {_span(kept.seconds)}, on {kept.machine}; Clampdown {kept.version}:"
    yield ""
    yield "| claim | measured | promised | |"
    yield "| --- | --- | --- | --- |"
    for claim in kept.claims:
        cells = (claim.text, claim.measured, claim.promised, "holds" if claim.holds else "**fails**")
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
    for words in kept.left_out:
        yield ""
        yield f"Left out: {words}."


def _span(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 600
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )


def _cell(text: str) -> str:
    escaped = text.strip().replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(escaped.split())


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def keep(paths: list[Path]) -> None:
    """Take the full forms among these results over into what this release keeps, and say which those are."""
    found = {name: one for path in paths for name, one in results.kept_in(path).items()}
    results.KEPT.write_text(results.release_with(found), encoding="utf-8")
    for one in found.values():
        print(f"{one.proof}: {'left out, as it is no full form' if one.short else one.state}", file=sys.stderr)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--keep"]:
        keep([Path(argument) for argument in sys.argv[2:]])
    else:
        print(page(), end="")
