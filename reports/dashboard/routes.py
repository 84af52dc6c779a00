"""Which page answers at which address. `{name:path}` takes all that is left of the address."""

from dataclasses import dataclass
from typing import Final

from reports.dashboard import (
    actor_page,
    country_page,
    event_page,
    explore_files,
    explore_page,
    health_page,
    indexes,
    overview_page,
    review_page,
    service_page,
)
from reports.dashboard.visit import Method, Page


@dataclass(frozen=True, slots=True)
class Route:
    """A page at an address, and how it may be asked for. Review pages are there only where decisions may be made."""

    path: str
    page: Page
    methods: tuple[Method, ...] = ("GET",)
    is_review: bool = False


ROUTES: Final[tuple[Route, ...]] = (
    Route("/", overview_page.page),
    Route("/services", indexes.services),
    Route("/service/{name:path}", service_page.page),
    Route("/countries", indexes.countries),
    Route("/country/{code}", country_page.page),
    Route("/actors", indexes.actors),
    Route("/actor", actor_page.page),
    Route("/event/{event_id}", event_page.event),
    Route("/explore", explore_page.page),
    Route("/explore.csv", explore_files.comma_separated),
    Route("/explore.parquet", explore_files.parquet),
    Route("/health", health_page.page),
    Route("/review", review_page.page, ("GET", "POST"), is_review=True),
)
