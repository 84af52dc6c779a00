"""Subscriptions: who is told of what, when, and how. Declared in TOML and checked when read.

[[subscription]]
id = "policy-desk"                   # stable: its digests are filed under it, its feed has this name
title = "Policy desk"                # all that follows is optional
services = ["TikTok", "WhatsApp"]    # these or, left out, all; so with the next four
categories = ["messaging", "social"]
countries = ["IN", "Russia"]
actor_kinds = ["government", "court"]
actions = ["ban", "block"]
min_score = 0.5                      # only what is at least so sure,
min_voices = 2                       # and what at least so many independent sources tell
unsure = "hold"                      # "mark" tells what is unsure with a warning, "hold" waits until it is sure
cadence = "weekly"                   # "daily", "weekly" or "at once"
at = "07:00"                         # else the time of serve.digest_at
weekday = "monday"                   # of a weekly one
timezone = "Europe/Berlin"           # else that of serve.timezone
language = "en"                      # of dates and numbers
recipients = ["desk@example.org"]
format = "html"                      # or "text"
feed = true                          # whether an Atom and a JSON feed are written
enabled = true

[[subscription.hook]]                # what is posted to a URL, as often as there are digests
url = "https://chat.example.org/hooks/1"
template = "slack"                   # "plain", "slack" or "teams"
secret_env = "DESK_HOOK_SECRET"      # name of the environment variable with the secret that signs it
"""

import difflib
import os
import re
import tomllib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from pipeline.classes import Action, ActorKind
from pipeline.errors import InputError
from pipeline.settings_sections import Clock, Section
from pipeline.subscription_types import (
    BUILT_IN,
    Cadence,
    EventFacts,
    Filters,
    Hook,
    Names,
    Subscription,
    Weekday,
    is_sure,
)
from pipeline.urls import absolute_url
from pipeline.zones import zone_named

__all__ = [
    "BUILT_IN",
    "Cadence",
    "EventFacts",
    "Filters",
    "Hook",
    "Names",
    "Subscription",
    "Weekday",
    "add_subscription",
    "declared",
    "default_subscriptions",
    "is_sure",
    "load_subscriptions",
    "parse_subscriptions",
    "remove_subscription",
    "render_subscription",
]
"""The types, too: whoever uses subscriptions imports them from here."""

ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")
"""Ids are names of folders and files, parts of addresses and of headers of mail."""


def load_subscriptions(path: Path, names: Names | None = None) -> tuple[Subscription, ...]:
    """The subscriptions that the file at `path` declares, in its order; the built-in one where there is no such file.

    With `names`, those of services, categories and countries are checked and put as events have them; whoever filters
    by them needs that (`flows.subscribed.subscriptions` gives them). Raises InputError, with file, entry and the way
    out, for a file that can't be read or is no TOML, unknown keys, values that make no sense, and one id twice.
    """
    text = _text(path)
    return (BUILT_IN,) if text is None else parse_subscriptions(text, name=str(path), names=names)


def parse_subscriptions(text: str, *, name: str, names: Names | None = None) -> tuple[Subscription, ...]:
    """The subscriptions that the TOML `text` declares; `name` stands for the file in errors. See load_subscriptions."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{name}: {error}", hint="Each subscription is a [[subscription]] table of TOML.") from None
    if strangers := sorted(data.keys() - {"subscription"}):
        raise InputError(f"{name}: unknown key {strangers[0]!r}", hint="Only [[subscription]] tables belong here.")
    tables = data.get("subscription", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{name}: `subscription` is no list of tables", hint="Write [[subscription]], two brackets.")
    found: dict[str, Subscription] = {}
    for number, table in enumerate(tables, 1):
        where = f"{name}: subscription {number} ({table.get('id') or table.get('title') or 'without id'})"
        one = declared(table, where, names)
        if one.id in found:
            raise InputError(f"{where} has the same id as another", hint="Rename or remove one of the two.")
        found[one.id] = one
    return tuple(found.values())


def declared(table: Mapping[str, Any], where: str, names: Names | None = None) -> Subscription:
    """The subscription that a [[subscription]] table declares; `where` stands for the entry in errors.

    Raises InputError.
    """
    try:
        entry = _Entry.model_validate(table)
    except ValidationError as error:
        raise _explained(error, where) from None
    filters = Filters(**{name: getattr(entry, name) for name in _FILTERS})
    return Subscription(
        id=entry.id,
        title=" ".join(entry.title.split()) or entry.id.replace("-", " ").capitalize(),
        filters=filters if names is None else _named(filters, names, where),
        cadence=entry.cadence,
        at=entry.at,
        weekday=entry.weekday,
        timezone=entry.timezone,
        language=entry.language,
        recipients=tuple({one.casefold(): one for one in entry.recipients}.values()),
        format=entry.format,
        hooks=tuple(Hook(one.url, one.template, one.secret_env) for one in entry.hook),
        feed=entry.feed,
        enabled=entry.enabled,
    )


def render_subscription(subscription: Subscription) -> str:
    """The entry of a subscription as TOML; values at their default are left out."""
    import tomlkit

    def lines(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
        told = {key: value for key, value in values.items() if value != defaults.get(key)}
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in told.items()}
        return [f"{key} = {tomlkit.item(value).as_string()}" for key, value in plain.items()]

    entry = ["[[subscription]]", *lines(_flat(subscription), _flat(Subscription("", "")))]
    for hook in subscription.hooks:
        values = {"url": hook.url, "template": hook.template, "secret_env": hook.secret_env}
        entry += ["", "[[subscription.hook]]", *lines(values, {"secret_env": ""})]
    return "\n".join(entry) + "\n"


def default_subscriptions() -> str:
    """The file that a new project starts with: the built-in subscription, and an example that shows every key."""
    _, _, example = (__doc__ or "").partition("\n\n")
    shown = "\n".join(f"# {line}".rstrip() for line in example.strip().splitlines())
    return (
        "# Who is sent which digest, when and how (docs/digest.md). `clampdown subscriptions add` adds one as well.\n"
        f"\n{render_subscription(BUILT_IN)}\n{shown}\n"
    )


def add_subscription(path: Path, subscription: Subscription, names: Names | None = None) -> None:
    """Add an entry to the file, which else stays as it is, comments too; the file is made where it is missing.

    A file that is made declares the built-in subscription, too: who adds one does not mean to end the other. Raises
    InputError where the id is taken or the file can't be used or written.
    """
    text = _text(path)
    if text is None:
        text = render_subscription(BUILT_IN)
    present = parse_subscriptions(text, name=str(path))
    if subscription.id in {one.id for one in present}:
        raise InputError(f"{path}: there is a subscription {subscription.id} already", hint="Give another --id.")
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    text += gap + render_subscription(subscription)
    # What is written must load again: the list is the user's, and a digest must not find it broken.
    parse_subscriptions(text, name=str(path), names=names)
    _write(path, text)


def remove_subscription(path: Path, subscription_id: str) -> None:
    """Take an entry out of the file, which else stays as it is. Raises InputError where there is none."""
    text = _text(path)
    present = (BUILT_IN,) if text is None else parse_subscriptions(text, name=str(path))
    ids = [one.id for one in present]
    if subscription_id not in ids:
        near = difflib.get_close_matches(subscription_id, ids, n=1)
        raise InputError(f"{path}: there is no subscription {subscription_id}", hint=_meant(near))
    if text is None:
        raise InputError(
            f"{subscription_id} is the built-in subscription",
            hint='Set serve.digest_at = "" to have none, or declare others with `clampdown subscriptions add`.',
        )
    left = _without(text, ids.index(subscription_id), len(ids))
    kept = tuple(one for one in present if one.id != subscription_id)
    if left is None or parse_subscriptions(left, name=str(path)) != kept:
        raise InputError(f"{path}: the entry {subscription_id} can't be told from the others", hint="Edit the file.")
    _write(path, left)


_HEADER = re.compile(r"\s*\[\[\s*(?:subscription|\"subscription\"|'subscription')\s*\]\]")


def _without(text: str, index: int, count: int) -> str | None:
    """The text without its entry of that index and the comment right above it; None where entries can't be told."""
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    if len(starts) != count:
        return None
    begins = []
    for start in starts:
        begin = start
        while begin and lines[begin - 1].lstrip().startswith("#"):
            begin -= 1
        begins.append(begin)
    end = begins[index + 1] if index + 1 < count else len(lines)
    return "".join(lines[: begins[index]] + lines[end:])


def _text(path: Path) -> str | None:
    """What the file says; None where there is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text", hint="Save it as UTF-8.") from error


def _write(path: Path, text: str) -> None:
    """Put the text in the file's place in one step, with its rights."""
    path = path.resolve()
    beside = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        with beside.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            beside.chmod(path.stat().st_mode)
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)


def _meant(near: Sequence[str]) -> str | None:
    return f"Nearest: {', '.join(near)}." if near else None


_NO_ADDRESS = 'this is no mail address, as in "name@example.org"'
_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f]+@[^\s@<>(),;:\\\"\[\]_\x00-\x1f\x7f]+")


def _id(value: str) -> str:
    if not ID.fullmatch(value):
        raise ValueError("an id has small letters, digits and hyphens, at most 48")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value.strip()):
        raise ValueError(_NO_ADDRESS)
    return value.strip()


def _url(value: str) -> str:
    if absolute_url(value) is None:
        raise ValueError("a hook's address begins with https:// or http://")
    return value


def _zone(value: str) -> str:
    if value:
        zone_named(value)
    return value


def _language(value: str) -> str:
    if value == "en":
        return value
    # Heavy, and English needs no asking.
    from babel import Locale, UnknownLocaleError, localedata

    try:
        return str(Locale.parse(value, sep="-" if "-" in value else "_"))
    except (UnknownLocaleError, ValueError):
        near = difflib.get_close_matches(value, localedata.locale_identifiers(), n=1)
        said = f"; did you mean {near[0]}?" if near else ", as in en, de or pt_BR"
        raise ValueError(f"no dates are known in this language{said}") from None


def _list(value: object) -> object:
    """One word stands for a list of one."""
    return (value,) if isinstance(value, str) else value


def _as_class(value: object) -> object:
    """Classes as a person may write them: "data protection"."""
    return re.sub(r"[ -]", "_", value.strip().lower()) if isinstance(value, str) else value


_Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_list)]
_Kinds = Annotated[tuple[Annotated[ActorKind, BeforeValidator(_as_class)], ...], BeforeValidator(_list)]
_Actions = Annotated[tuple[Annotated[Action, BeforeValidator(_as_class)], ...], BeforeValidator(_list)]
_Small = BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)


class _Hook(Section):
    url: Annotated[str, AfterValidator(_url)]
    template: Literal["plain", "slack", "teams"] = "plain"
    secret_env: str = Field("", pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")


class _Entry(Section):
    """A [[subscription]] table."""

    id: Annotated[str, AfterValidator(_id)]
    title: str = ""
    services: _Texts = ()
    categories: _Texts = ()
    countries: _Texts = ()
    actor_kinds: _Kinds = ()
    actions: _Actions = ()
    min_score: float | None = Field(None, ge=0, le=1)
    min_voices: int | None = Field(None, ge=1)
    unsure: Literal["mark", "hold"] = "mark"
    cadence: Annotated[Cadence, _Small] = Cadence.DAILY
    at: Clock | None = None
    weekday: Annotated[Weekday, _Small] = Weekday.MONDAY
    timezone: Annotated[str, AfterValidator(_zone)] = ""
    language: Annotated[str, AfterValidator(_language)] = "en"
    recipients: Annotated[tuple[Annotated[str, AfterValidator(_address)], ...], BeforeValidator(_list)] = ()
    format: Literal["html", "text"] = "html"
    feed: bool = True
    enabled: bool = True
    hook: tuple[_Hook, ...] = ()


_FILTERS = ("services", "categories", "countries", "actor_kinds", "actions", "min_score", "min_voices", "unsure")


def _flat(subscription: Subscription) -> dict[str, Any]:
    """The values of an entry by the keys of its table, hooks left out, as TOML has them."""
    at = subscription.at
    filters = {name: getattr(subscription.filters, name) for name in _FILTERS}
    return {"id": subscription.id, "title": subscription.title, **filters} | {
        "cadence": subscription.cadence.value,
        "at": None if at is None else at.isoformat("seconds" if at.second else "minutes"),
        "weekday": subscription.weekday.value,
        **{name: getattr(subscription, name) for name in ("timezone", "language", "recipients", "format")},
        **{name: getattr(subscription, name) for name in ("feed", "enabled")},
    }


def _named(filters: Filters, names: Names, where: str) -> Filters:
    """The filters with names as events have them."""

    def known(key: str, what: str, known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        found: list[str] = []
        for written in getattr(filters, key):
            if (meant := known.get(written.strip().casefold())) is None:
                near = difflib.get_close_matches(written.strip().casefold(), known, n=3)
                shown = list(dict.fromkeys(known[name][0] if key != "countries" else name.title() for name in near))
                raise InputError(f"{where}: {key}: there is no {what} {written!r}", hint=_meant(shown))
            found += meant
        return tuple(dict.fromkeys(found))

    return replace(
        filters,
        services=known("services", "service", names.services),
        categories=known("categories", "category", names.categories),
        countries=known("countries", "country", names.countries),
    )


def _explained(error: ValidationError, where: str) -> InputError:
    """The first problem in one sentence, with the nearest valid key or what is allowed."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
    if problem["type"] == "missing":
        return InputError(f"{where}: {key!r} is missing")
    if problem["type"] == "extra_forbidden":
        known: Iterable[str] = (_Hook if key.startswith("hook.") else _Entry).model_fields
        near = difflib.get_close_matches(key.removeprefix("hook."), known, n=1)
        return InputError(f"{where}: unknown key {key!r}", hint=_meant(near) or f"Known keys: {', '.join(known)}.")
    said = problem["msg"].removeprefix("Value error, ")
    return InputError(f"{where}: {key} = {problem['input']!r}: {said[:1].lower()}{said[1:]}")
