"""`init` and `config`: writing the settings and seeing what they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from clampdown.options import load_settings
from clampdown.output import console, print_json, table
from pipeline.errors import InputError


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write the three files")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there")] = False,
) -> None:
    """Write clampdown.toml, sources.toml and subscriptions.toml, ready to be edited."""
    from pipeline.settings import CONFIG_NAME
    from pipeline.sources import default_sources
    from pipeline.subscriptions import default_subscriptions

    files = {
        folder / CONFIG_NAME: _settings_file(),
        folder / "sources.toml": default_sources(),
        folder / "subscriptions.toml": default_subscriptions(),
    }
    there = [path for path in files if path.exists()]
    if there and not force:
        raise InputError(
            f"{', '.join(map(str, there))}: already there", hint="`clampdown init --force` overwrites, or name a folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: can't be written: {error}") from None
    out = console()
    for path in files:
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    out.print("Next: set fetch.contact in clampdown.toml, look through sources.toml, then `clampdown run`.")


def _settings_file() -> str:
    """Every setting with its description and default, commented out, so that the file shows what there is."""
    from pipeline.settings import Settings, describe, flatten

    defaults = dict(flatten(Settings.model_construct().model_dump()))
    lines = ["# Settings of Clampdown. Each line shows a default; remove the # to change it."]
    lines.append("# `clampdown config` shows every value and where it came from.")
    section = ""
    for key, about in describe().items():
        table_name, _, leaf = key.rpartition(".")
        if table_name != section:
            section = table_name
            lines += ["", f"[{section}]"]
        lines += [f"# {about}", f"# {leaf} = {as_toml(defaults[key])}"]
    return "\n".join(lines) + "\n"


def as_toml(value: Any) -> str:
    """Return a setting's value as it stands in the settings file; what is empty is an empty string."""
    import tomlkit

    if value is None:
        return '""'
    return tomlkit.item(
        list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
    ).as_string()


def config(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False) -> None:
    """Show each setting, its value and where it came from."""

    loaded = load_settings(context)
    rows = list(_rows(loaded.settings.model_dump(), loaded.origins))
    if as_json:
        print_json([{"key": key, "value": value, "origin": origin} for key, value, origin in rows])
        return
    out = console()
    out.print(
        table(
            None,
            ("setting", "value", "from"),
            [(k, _shown(v), o) for k, v, o in rows],
            setting="cyan",
            **{"from": "dim"},
        )
    )
    out.print(f"\nsettings file: {loaded.file or 'none (`clampdown init` writes one)'}", markup=False, soft_wrap=True)


def _rows(values: dict[str, Any], origins: Any) -> Iterator[tuple[str, Any, str]]:
    from pipeline.secrets import host_alone, masked
    from pipeline.settings import flatten

    for key, value in flatten(values):
        hide = host_alone if key == "alerts.webhook" else masked
        yield key, hide(value) if isinstance(value, str) else value, origins.get(key, "default")


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return ", ".join(map(str, value)) or "–" if isinstance(value, tuple) else str(value)
