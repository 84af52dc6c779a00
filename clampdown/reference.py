"""The reference of commands and exit codes, made from the code: `python -m clampdown.reference`.

A test compares what this prints with `docs/commands.md`.
"""

import re
from collections.abc import Iterator
from typing import Any

import typer.main

EXIT_CODES = {
    0: "done",
    1: "a check failed, or an error that Clampdown does not know",
    2: "a setting, source list, option or input is wrong",
    3: "the model can't be loaded",
    4: "the archive or the warehouse can't be used",
    5: "an LLM endpoint can't be used, or gave no usable answer for a text",
    6: "a mail or a webhook can't be delivered",
    7: "`serve` can't begin or go on: it runs already, or a port or its name is taken",
    130: "interrupted; what was committed stays",
}


def reference() -> str:
    """Return the Markdown text."""
    from clampdown.main import app

    main = typer.main.get_command(app)
    lines = [
        "# Commands",
        "",
        "Made by `python -m clampdown.reference > docs/commands.md`. Settings have [a page of their own](settings.md).",
        "",
        "`clampdown [OPTIONS] COMMAND …`; `clampdown COMMAND --help` says the same as below. Before the command stand:",
        "",
        *_parameters(main),
    ]
    for name, command in _commands(main, ""):
        lines += _describe(name, command)
    lines += ["## Exit codes", "", "| code | meaning |", "| --- | --- |"]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join([*lines, ""])


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield prefix + name, command
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _describe(name: str, command: Any) -> list[str]:
    return [f"## {name}", "", command.help or "", "", *_parameters(command)]


def _parameters(command: Any) -> list[str]:
    rows = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        is_argument = parameter.param_type_name == "argument"
        shown = (parameter.metavar or parameter.name.upper()) if is_argument else ", ".join(parameter.opts)
        rows.append(f"| `{shown.replace('|', chr(92) + '|')}` | {_plain(parameter.help or '')} |")
    return ["| argument or option | meaning |", "| --- | --- |", *rows, ""] if rows else []


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


if __name__ == "__main__":
    print(reference(), end="")
