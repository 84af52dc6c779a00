"""The subscriptions of this site, with the names of their filters checked against the registries."""

import difflib
from collections.abc import Sequence
from functools import cache

from extractors import registries
from pipeline.errors import InputError
from pipeline.settings import Settings
from pipeline.subscriptions import Names, Subscription, load_subscriptions


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """Those of the subscriptions file, in its order, enabled or not; the built-in one without a file.

    Raises InputError, with file, entry and the way out.
    """
    return load_subscriptions(settings.subscriptions, known_names())


def named(every: Sequence[Subscription], subscription_id: str) -> Subscription:
    """The subscription of that id. Raises InputError where there is none."""
    for one in every:
        if one.id == subscription_id:
            return one
    near = difflib.get_close_matches(subscription_id, [one.id for one in every], n=1)
    there = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(one.id for one in every) or 'none'}."
    raise InputError(f"there is no subscription {subscription_id}", hint=there)


@cache
def known_names() -> Names:
    """Every way to write a service, category or country that the registries know."""
    services: dict[str, set[str]] = {}
    for service in registries.services():
        for name in (service.id, service.name, *service.aliases):
            services.setdefault(name.casefold(), set()).add(service.name)
    countries: dict[str, set[str]] = {"xx": {"XX"}}
    for country in registries.countries():
        for name in (country.code, country.name, *country.aliases):
            countries.setdefault(name.casefold(), set()).add(country.code)
    categories = {service.category for service in registries.services()}
    return Names(_sorted(services), {one.casefold(): (one,) for one in sorted(categories)}, _sorted(countries))


def categories() -> dict[str, str]:
    """Canonical name of a service → its category."""
    return {service.name: service.category for service in registries.services()}


def _sorted(found: dict[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(sorted(some)) for name, some in found.items()}
