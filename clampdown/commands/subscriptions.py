"""`subscriptions`: who is sent which digest, when and how."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, printable, table

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.subscriptions import Filters, Subscription

app = typer.Typer(help="List and change subscriptions: who is sent which digest.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False) -> None:
    """List the subscriptions, what each is about, and when its next digest is due."""
    from datetime import UTC

    from flows.subscribed import subscriptions

    settings = load_settings(context).settings
    every, now = subscriptions(settings), datetime.now(UTC)
    if as_json:
        print_json([_facts(one, settings, now) for one in every])
        return
    rows = [
        (one.id, one.title, about(one.filters), _when(one, settings, now), _ways(one), "" if one.enabled else "off")
        for one in every
    ]
    title = f"{len(rows)} subscription{'s' if len(rows) != 1 else ''}"
    console().print(table(title, ("id", "title", "about", "next", "goes to", ""), rows, id="cyan", next="dim"))
    if not settings.subscriptions.exists():
        note = f"{settings.subscriptions} does not exist: this one is built in. `clampdown subscriptions add` adds one."
        console().print(Text(note, style="dim"), soft_wrap=True)


@app.command("show")
def show(
    context: typer.Context,
    subscription: Annotated[str, typer.Argument(help="Its id")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Show one subscription as its file has it, the digests that it had, and what is in the next one so far."""
    from datetime import UTC

    from flows.digest_records import folder_of, records
    from flows.subscribed import named, subscriptions

    settings = load_settings(context).settings
    one, now = named(subscriptions(settings), subscription), datetime.now(UTC)
    folder = folder_of(settings.data_dir, one.id)
    told = records(folder)
    if as_json:
        print_json(_facts(one, settings, now) | {"digests": told, "folder": str(folder)})
        return
    out = console()
    _print_entry(one)
    out.print(Text.assemble(("\nabout     ", "bold"), about(one.filters)), soft_wrap=True)
    out.print(Text.assemble(("next      ", "bold"), _when(one, settings, now)), soft_wrap=True)
    last = f", the last on {told[-1].day}: {told[-1].subject}" if told else ""
    out.print(Text.assemble(("digests   ", "bold"), f"{len(told)}{last}"), soft_wrap=True)
    out.print(Text.assemble(("files     ", "bold"), str(folder)), soft_wrap=True)
    out.print(Text(f"\n`clampdown digest --preview -s {one.id}` shows what it would say now.", style="dim"))


@app.command("check")
def check(context: typer.Context) -> None:
    """Check the subscriptions file, and say what keeps anybody from being sent what they are subscribed to."""
    from flows.subscribed import subscriptions

    settings = load_settings(context).settings
    every = subscriptions(settings)
    out, wrong = console(), list(_wrong(every, settings))
    for one, words in wrong:
        out.print(Text.assemble((f"{one}: ", "cyan"), (printable(words), "yellow")), soft_wrap=True)
    enabled = sum(one.enabled for one in every)
    out.print(f"{settings.subscriptions}: {len(every)} declared, {enabled} enabled", markup=False, soft_wrap=True)
    if wrong:
        raise typer.Exit(1)
    out.print("All of them can be made and sent.")


@app.command("add")
def add(
    context: typer.Context,
    subscription: Annotated[str, typer.Argument(metavar="ID", help="Its id: small letters, digits, hyphens")],
    title: Annotated[str, typer.Option("--title", help="What readers see [default: made of the id]")] = "",
    to: Annotated[list[str] | None, typer.Option("--to", help="Mail address of a reader; may be given again")] = None,
    service: Annotated[list[str] | None, typer.Option("--service", help="A service by any of its names")] = None,
    category: Annotated[list[str] | None, typer.Option("--category", help="A category of services")] = None,
    country: Annotated[list[str] | None, typer.Option("--country", help="A country by name or code")] = None,
    actor_kind: Annotated[list[str] | None, typer.Option("--actor-kind", help="A sort of body that restricts")] = None,
    action: Annotated[list[str] | None, typer.Option("--action", help="A sort of restriction, as in ban")] = None,
    min_score: Annotated[float | None, typer.Option("--min-score", help="Least score of an event, 0 to 1")] = None,
    min_sources: Annotated[int | None, typer.Option("--min-sources", help="Least independent sources of it")] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Hold back what is unsure, in place of marking it")] = False,
    cadence: Annotated[str, typer.Option("--cadence", help="daily, weekly or 'at once'")] = "daily",
    at: Annotated[str | None, typer.Option("--at", help="Local time, as in 07:00 [default: serve.digest_at]")] = None,
    weekday: Annotated[str, typer.Option("--weekday", help="Of a weekly one")] = "monday",
    timezone: Annotated[str, typer.Option("--timezone", help="As in Europe/Berlin [default: serve.timezone]")] = "",
    language: Annotated[str, typer.Option("--language", help="Of dates and numbers, as in de")] = "en",
    as_text: Annotated[bool, typer.Option("--text", help="Send plain text, without HTML")] = False,
    hook: Annotated[list[str] | None, typer.Option("--hook", help="URL that digests are posted to")] = None,
    template: Annotated[str, typer.Option("--template", help="Of hooks: plain, slack or teams")] = "plain",
    secret_env: Annotated[str, typer.Option("--secret-env", help="Variable with the secret that signs hooks")] = "",
    no_feed: Annotated[bool, typer.Option("--no-feed", help="Write no Atom and JSON feeds")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the entry")] = False,
) -> None:
    """Add a subscription to subscriptions.toml, which is made where it is missing. Names are checked first."""
    from flows.subscribed import known_names
    from pipeline.subscriptions import add_subscription, declared

    values: dict[str, Any] = {
        "id": subscription,
        "title": title,
        "services": service,
        "categories": category,
        "countries": country,
        "actor_kinds": actor_kind,
        "actions": action,
        "min_score": min_score,
        "min_voices": min_sources,
        "unsure": "hold" if hold else "mark",
        "cadence": cadence.replace("-", " "),
        "at": at,
        "weekday": weekday,
        "timezone": timezone,
        "language": language,
        "recipients": to,
        "format": "text" if as_text else "html",
        "feed": not no_feed,
        "hook": [{"url": url, "template": template, "secret_env": secret_env} for url in hook or ()],
    }
    path = load_settings(context).settings.subscriptions
    given = {key: value for key, value in values.items() if value is not None}
    made = declared(given, "the new subscription", known_names())
    if not dry_run:
        add_subscription(path, made, known_names())
    _print_entry(made)
    if dry_run:
        return
    out = console()
    out.print(f"\n{path}: added {made.id}", markup=False, soft_wrap=True)
    out.print(Text(f"`clampdown digest --preview -s {made.id}` shows what it would say now.", style="dim"))


@app.command("remove")
def remove(context: typer.Context, subscription: Annotated[str, typer.Argument(metavar="ID", help="Its id")]) -> None:
    """Take a subscription out of subscriptions.toml. Digests that were made stay."""
    from pipeline.subscriptions import remove_subscription

    path = load_settings(context).settings.subscriptions
    remove_subscription(path, subscription)
    console().print(f"{path}: removed {subscription}", markup=False, soft_wrap=True)


def _print_entry(one: "Subscription") -> None:
    """The entry as the file has it, but for addresses of hooks, which are as good as passwords."""
    from pipeline.secrets import host_alone
    from pipeline.subscriptions import render_subscription

    hooks = tuple(replace(hook, url=host_alone(hook.url)) for hook in one.hooks)
    for line in render_subscription(replace(one, hooks=hooks)).splitlines():
        console().print(Text(printable(line)), soft_wrap=True)


def about(filters: "Filters") -> str:
    """What a subscription is about, in a few words."""
    parts = [
        " or ".join([*filters.services, *filters.categories]),
        "in " + ", ".join(filters.countries) if filters.countries else "",
        "by " + ", ".join(_plain(kind) for kind in filters.actor_kinds) if filters.actor_kinds else "",
        ", ".join(filters.actions),
        f"score {filters.min_score:g} or more" if filters.min_score is not None else "",
        f"{filters.min_voices} sources or more" if filters.min_voices is not None else "",
        "only what is sure" if filters.unsure == "hold" else "",
    ]
    return "; ".join(part for part in parts if part) or "everything"


def _plain(value: str) -> str:
    return value.replace("_", " ")


def _when(one: "Subscription", settings: "Settings", now: datetime) -> str:
    if not one.enabled:
        return "never: it is off"
    occasion = one.upcoming(settings.serve, now)
    if occasion is None:
        from pipeline.subscriptions import Cadence

        return "at once" if one.cadence is Cadence.AT_ONCE else "never: no time is set"
    zone = one.zone(settings.serve)
    return f"{one.cadence.value}, {occasion.at.astimezone(zone):%a %d %b %H:%M} {zone.key}"


def _ways(one: "Subscription") -> str:
    ways = [
        f"{len(one.recipients)} by mail" if one.recipients else "",
        f"{len(one.hooks)} by webhook" if one.hooks else "",
        "feeds" if one.feed else "",
    ]
    return ", ".join(way for way in ways if way) or "files alone"


def _facts(one: "Subscription", settings: "Settings", now: datetime) -> dict[str, Any]:
    from pipeline.secrets import host_alone

    occasion = one.upcoming(settings.serve, now)
    hooks = [asdict(hook) | {"url": host_alone(hook.url)} for hook in one.hooks]
    at = None if one.at is None else time.isoformat(one.at)
    return asdict(one) | {"at": at, "hooks": hooks, "next_at": None if occasion is None else occasion.at}


def _wrong(every: "Sequence[Subscription]", settings: "Settings") -> Iterator[tuple[str, str]]:
    """What keeps digests from being made, or from those they are for: the id of the subscription, and words."""
    from os import environ

    from pipeline.errors import MailError
    from pipeline.subscriptions import Cadence
    from reports.mail import check as check_mail

    for one in every:
        if not one.enabled:
            continue
        if one.cadence is not Cadence.AT_ONCE and (one.at or settings.serve.digest_at) is None:
            yield one.id, "no time is set: neither its own `at` nor serve.digest_at"
        if one.recipients:
            try:
                check_mail(settings.mail, one.recipients)
            except MailError as error:
                yield one.id, f"{error} ({error.hint})" if error.hint else str(error)
            if not settings.mail.public_url and not settings.mail.unsubscribe_to:
                yield one.id, "its readers can't unsubscribe: set mail.public_url or mail.unsubscribe_to"
        for hook in one.hooks:
            if hook.secret_env and not environ.get(hook.secret_env):
                yield one.id, f"the variable {hook.secret_env}, which is to hold the secret of a hook, is not set here"
    if settings.mail.public_url and not settings.serve.readers_port:
        yield "mail.public_url", "is set, but serve.readers_port is 0: nothing serves it"
