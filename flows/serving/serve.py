"""`clampdown serve`, put together: the supervisor, what answers monitors, and what tells people."""

import logging
import os
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from flows.serving.alerting import Alerts, announce
from flows.serving.endpoint import Endpoint
from flows.serving.prefect_home import base_url, environment, home, is_loopback, joined
from flows.serving.readers import Readers
from flows.serving.supervisor import Supervisor, alone, claim_ports, each_minute
from flows.serving.watching import Watch
from pipeline.digest_times import next_due, scheduled
from pipeline.errors import InputError
from pipeline.logs import hide, secrets_of, set_up
from pipeline.occasions import every, upcoming
from pipeline.settings import ENV_PREFIX, LoadedSettings, Settings
from pipeline.sources import load_sources

log = logging.getLogger(__name__)

WHO = "serve"


def serve(loaded: LoadedSettings, flags: Mapping[str, Any]) -> None:
    """Serve until a signal comes. `flags` are the settings of the command line, by dotted key; None is not given.

    Raises ServeError where it can't begin or go on, InputError or SourceListError where there is nothing to watch, and
    SettingsError where the machine's time zone can't be told.
    """
    settings = loaded.settings
    set_up(settings.log, who=WHO)
    hide(secrets_of(settings, os.environ))
    _look_at(settings)
    with ExitStack() as stack:
        stack.enter_context(alone(settings))
        claim_ports(_ports(settings))
        environ = {**os.environ, **_inherited(loaded, flags)}
        home(settings, environ).mkdir(parents=True, exist_ok=True, mode=0o700)
        supervisor = Supervisor(settings, environ, on_ready=lambda: _say_where(settings))
        watch = Watch(settings, supervisor.children, supervisor.not_ready)
        if settings.serve.status_port:
            stack.enter_context(Endpoint((settings.serve.host, settings.serve.status_port), watch))
        if settings.serve.readers_port:
            stack.enter_context(Readers((settings.serve.readers_host, settings.serve.readers_port), settings))
        alerts = Alerts(settings)
        stack.enter_context(each_minute(lambda: alerts.tell(watch.status().problems)))
        _say_what(settings)
        announce(settings)
        supervisor.run()


def _look_at(settings: Settings) -> None:
    """Find out what would fail each run, before anything is started."""
    if not settings.sources.exists():
        raise InputError(f"{settings.sources}: no source list", hint="`clampdown init` writes one")
    load_sources(settings.sources)
    serve = settings.serve
    _ = serve.zone
    if not joined(os.environ) and not is_loopback(serve.host) and not os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        log.warning(
            "Prefect's pages listen on %s without a password: whoever reaches port %d can start and stop flows. "
            "Set PREFECT_SERVER_API_AUTH_STRING, or serve.host to 127.0.0.1.",
            serve.host,
            serve.port,
        )


def _ports(settings: Settings) -> list[tuple[str, str, int]]:
    serve = settings.serve
    ours = [] if joined(os.environ) else [("serve.port", serve.host, serve.port)]
    also = [
        ("serve.status_port", serve.host, serve.status_port),
        ("serve.readers_port", serve.readers_host, serve.readers_port),
    ]
    return [*ours, *(one for one in also if one[2])]


def _inherited(loaded: LoadedSettings, flags: Mapping[str, Any]) -> dict[str, str]:
    """What makes each process that we start find the same settings, wherever it looks from."""
    given = {key: str(value) for key, value in flags.items() if value is not None}
    given["data_dir"] = str(loaded.settings.data_dir.absolute())
    given["sources"] = str(loaded.settings.sources.absolute())
    given["subscriptions"] = str(loaded.settings.subscriptions.absolute())
    found = {ENV_PREFIX + key.upper().replace(".", "__"): value for key, value in given.items()}
    if loaded.file is not None:
        found["CLAMPDOWN_CONFIG"] = str(loaded.file.absolute())
    # The folder is Prefect's, and not where a person's own settings of Prefect are.
    kept = environment(loaded.settings, os.environ)["PREFECT_HOME"]
    return {**found, "PREFECT_HOME": kept}


def _say_what(settings: Settings) -> None:
    """What will happen when."""
    serve, now = settings.serve, datetime.now(UTC)
    log.info("data folder %s, deployments called %s, times in %s", settings.data_dir, serve.name, serve.zone)
    next_ingest = every(serve.ingest_every, now) + timedelta(seconds=serve.ingest_every)
    log.info("ingest   every %s, after the first at once: %s", _span(serve.ingest_every), _at(next_ingest, settings))
    subscriptions = scheduled(settings)
    if (due := next_due(subscriptions, serve, now)) is not None:
        log.info("digest   of %s: %s", _counted(sum(one.enabled for one in subscriptions)), _at(due, settings))
    log.info("maintain daily: %s", _at(upcoming(serve.maintain_at, serve.zone, now).at, settings))


def _counted(subscriptions: int) -> str:
    return "1 subscription" if subscriptions == 1 else f"{subscriptions} subscriptions"


def _say_where(settings: Settings) -> None:
    """What an operator may look at."""
    serve = settings.serve
    if api := joined(os.environ):
        log.info("Prefect  %s (joined)", api)
    else:
        log.info("Prefect  %s%s", base_url(serve.host, serve.port), "" if serve.ui else " (no pages)")
    if serve.status_port:
        address = base_url(serve.host, serve.status_port)
        log.info("status   %s/health, %s/metrics, and `clampdown status`", address, address)
    if serve.readers_port:
        told = f" for {settings.mail.public_url}" if settings.mail.public_url else ", but mail.public_url is not set"
        log.info("readers  %s%s", base_url(serve.readers_host, serve.readers_port), told)


def _at(moment: datetime, settings: Settings) -> str:
    local = moment.astimezone(settings.serve.zone)
    return f"next on {local:%a %d %b at %H:%M}"


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} s"
