"""The questions that a snapshot answers by itself: one script per view or macro, with its comments."""

from importlib.resources import files

# In the order of creation: a view comes after what it reads.
SCRIPTS = (
    "imposed.sql",
    "restrictions.sql",
    "restrictions_by_month.sql",
    "in_force_on.sql",
    "known_on.sql",
    "trend.sql",
    "reasons_over_time.sql",
    "first_restrictions.sql",
    "spread.sql",
    "first_movers.sql",
    "days_to_nth.sql",
    "lead_lag_services.sql",
    "lead_lag.sql",
    "most_restricted.sql",
    "sectors.sql",
    "lifetimes.sql",
    "survival.sql",
    "coverage_by.sql",
    "coverage_by_month.sql",
    "rates.sql",
    "restriction_rates.sql",
    "matched_rates.sql",
    "evidence.sql",
    "source_health.sql",
    "changes_since.sql",
)


def scripts() -> list[str]:
    """The scripts' SQL, in the order of creation."""
    return [(files(__name__) / name).read_text(encoding="utf-8") for name in SCRIPTS]


def question(view: str) -> str:
    """The query that a view stands for, to be asked where the view itself is not: in the warehouse."""
    script = (files(__name__) / f"{view}.sql").read_text(encoding="utf-8")
    return script.removeprefix(f"CREATE VIEW {view} AS").partition(";")[0]
