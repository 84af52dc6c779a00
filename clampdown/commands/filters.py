"""The options that several commands have to choose events by."""

from datetime import datetime
from typing import Annotated, TypeAlias

import typer

from clampdown import completion

Event: TypeAlias = Annotated[
    str, typer.Argument(help="An event's id or the beginning of one", autocompletion=completion.events)
]
Service: TypeAlias = Annotated[
    str | None, typer.Option(help="Any name of a service: DeepSeek, Twitter …", autocompletion=completion.services)
]
Country: TypeAlias = Annotated[str | None, typer.Option(help="ISO code or name")]
Actor: TypeAlias = Annotated[str | None, typer.Option(help="Part of a body's name, or an acronym")]
Action: TypeAlias = Annotated[
    str | None, typer.Option(help="ban, block, suspend, limit, remove, warn …", autocompletion=completion.actions)
]
Status: TypeAlias = Annotated[
    str | None, typer.Option(help="in_force, announced, proposed or rejected", autocompletion=completion.statuses)
]
Since: TypeAlias = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Dated this day or later; undated: first reported")
]
Until: TypeAlias = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Dated this day or earlier; undated: first reported")
]
