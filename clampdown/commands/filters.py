"""The options that several commands have to choose events by."""

from datetime import datetime
from typing import Annotated, TypeAlias

import typer

Service: TypeAlias = Annotated[str | None, typer.Option(help="Any name of a service: DeepSeek, Twitter …")]
Country: TypeAlias = Annotated[str | None, typer.Option(help="ISO code or name")]
Actor: TypeAlias = Annotated[str | None, typer.Option(help="Part of a body's name, or an acronym")]
Action: TypeAlias = Annotated[str | None, typer.Option(help="ban, block, suspend, limit, remove, warn …")]
Status: TypeAlias = Annotated[str | None, typer.Option(help="in_force, announced, proposed or rejected")]
Since: TypeAlias = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Dated this day or later; undated: first reported")
]
Until: TypeAlias = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Dated this day or earlier; undated: first reported")
]
