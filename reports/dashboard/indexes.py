"""The lists of services, countries and actors: who is restricted, where, and by whom."""

from reports.dashboard.visit import Rendered, Visit


def services(visit: Visit) -> Rendered:
    """All services that a restriction was told of."""
    return Rendered("index.html.j2", {"heading": "Services"}, "Services")


def countries(visit: Visit) -> Rendered:
    """All countries whose bodies act."""
    return Rendered("index.html.j2", {"heading": "Countries"}, "Countries")


def actors(visit: Visit) -> Rendered:
    """All who act."""
    return Rendered("index.html.j2", {"heading": "Actors"}, "Actors")
