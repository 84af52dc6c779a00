"""The reference of commands, exit codes and settings, made from the code: `python -m clampdown.reference`.

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

    lines = [
        "# Commands and settings",
        "",
        "Made by `python -m clampdown.reference > docs/commands.md`.",
        "",
        "`clampdown [--config FILE] [--data-dir FOLDER] COMMAND …`; `clampdown COMMAND --help` says the same.",
        "",
    ]
    for name, command in _commands(typer.main.get_command(app), ""):
        lines += _describe(name, command)
    lines += ["## Exit codes", "", "| code | meaning |", "| --- | --- |"]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    lines += ["", *_settings()]
    return "\n".join(lines)


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield prefix + name, command
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _describe(name: str, command: Any) -> list[str]:
    lines = [f"## {name}", "", command.help or "", ""]
    rows = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        is_argument = parameter.param_type_name == "argument"
        shown = (parameter.metavar or parameter.name.upper()) if is_argument else ", ".join(parameter.opts)
        rows.append(f"| `{shown.replace('|', chr(92) + '|')}` | {_plain(parameter.help or '')} |")
    return [*lines, "| argument or option | meaning |", "| --- | --- |", *rows, ""] if rows else lines


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _settings() -> Iterator[str]:
    from pipeline.settings import Settings, describe, flatten

    defaults = dict(flatten(Settings.model_construct().model_dump()))
    yield "## Settings"
    yield ""
    yield "In `clampdown.toml` as `key = value` below `[table]`, or in the environment as `CLAMPDOWN_TABLE__KEY`."
    yield ""
    yield "| setting | default | meaning |"
    yield "| --- | --- | --- |"
    for key, about in describe().items():
        value = defaults[key]
        shown = "none" if value in (None, "", ()) else str(value)
        yield f"| `{key}` | {shown} | {about} |"
    yield ""


if __name__ == "__main__":
    print(reference(), end="")
