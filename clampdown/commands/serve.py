"""`serve`: all flows at their times, for as long as the machine runs."""

from typing import Annotated

import typer

from clampdown.options import load_settings


def serve(
    context: typer.Context,
    name: Annotated[str | None, typer.Option("--name", help="Name of the deployments, in place of serve.name")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port of Prefect's server, in place of serve.port")] = None,
    status_port: Annotated[
        int | None, typer.Option("--status-port", help="Port of /health and /metrics, in place of serve.status_port")
    ] = None,
) -> None:
    """Run ingest, digest and maintenance at their times, until stopped. Start it once and forget it.

    Starts a Prefect server, or joins the one that PREFECT_API_URL names, and serves the flows: `ingest`, `digest`,
    `publish` and `maintain`, and `reextract` and `backfill` on demand, from Prefect's pages or its command. What dies
    is started again; what was missed is made up for once. `clampdown status` tells how it fares.
    """
    from flows.serving import serve as serving

    flags = {"serve.name": name, "serve.port": port, "serve.status_port": status_port}
    serving.serve(load_settings(context, flags), flags)
