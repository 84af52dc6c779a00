"""Tables that a snapshot has beside those of the warehouse: made from them when it is published, one script each."""

from importlib.resources import files

TABLES = ("coverage", "stories", "actors")
"""The tables, in the order of creation. Each script makes the table of its name from published tables alone."""


def scripts() -> list[str]:
    """The scripts' SQL, in the order of creation."""
    return [(files(__name__) / f"{name}.sql").read_text(encoding="utf-8") for name in TABLES]
