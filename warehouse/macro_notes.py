"""What the parameters and columns of the table macros mean: DuckDB keeps a comment for a macro, but none for these."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "changes_since": "changes_since('2025-02-10')",
    "coverage_by": "coverage_by(every := 'week')",
    "days_to_nth": "days_to_nth(5)",
    "first_movers": "first_movers('DeepSeek')",
    "first_restrictions": "first_restrictions(service := 'DeepSeek')",
    "in_force_on": "in_force_on('2025-02-10', known := '2025-02-12')",
    "known_on": "known_on('2025-02-12')",
    "lead_lag": "lead_lag('US', 'AU')",
    "lead_lag_services": "lead_lag_services('US', 'AU')",
    "matched_rates": "matched_rates(every := 'month')",
    "rates": "rates('category', every := 'quarter')",
    "reasons_over_time": "reasons_over_time('DeepSeek', every := 'month')",
    "spread": "spread('DeepSeek', public_only := true)",
    "survival": "survival('action')",
    "trend": "trend('reason', every := 'quarter')",
}
"""Macro → a call of it."""

_DAY = "A day, as DATE or `'YYYY-MM-DD'`."
_EVERY = "`'day'`, `'week'`, `'month'`, `'quarter'` or `'year'`; by default the month."
_BASIS = (
    "`'stated'`, the default: stated dates alone. `'reported'`: what has none is placed by the day of its first report."
)
_PUBLIC = "true leaves out companies, app stores, schools and whoever is of no public kind; by default false."
_VOICES = "Counts only what so many independent voices carry, or more; by default 1. With 2 far fewer are misread."
_SERVICE = "Any name of the service that the registry knows, in any case."
_DIMENSION = (
    "`'all'` (no split), `'action'`, `'actor_kind'`, `'category'`, `'country'`, `'service'`, `'scope_class'` or "
    "`'sector'`"
)
_CODE = "ISO 3166-1 alpha-2 code of a country."

PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "changes_since": {"since": "A run's id (since it ended), a time in UTC, or a position in `changes`."},
    "coverage_by": {"every": _EVERY},
    "days_to_nth": {"n": "Which country: 1 or more.", "basis": _BASIS, "public_only": _PUBLIC, "min_voices": _VOICES},
    "first_movers": {"service": _SERVICE, "basis": _BASIS, "public_only": _PUBLIC, "min_voices": _VOICES},
    "first_restrictions": {
        "service": f"{_SERVICE} All services by default.",
        "basis": _BASIS,
        "public_only": _PUBLIC,
        "min_voices": _VOICES,
    },
    "in_force_on": {"d": _DAY, "known": "The day by whose knowledge to answer; by default all that is known now."},
    "known_on": {"d": _DAY},
    "lead_lag": {"a": _CODE, "b": _CODE, "basis": _BASIS, "public_only": _PUBLIC, "min_voices": _VOICES},
    "lead_lag_services": {"a": _CODE, "b": _CODE, "basis": _BASIS, "public_only": _PUBLIC, "min_voices": _VOICES},
    "matched_rates": {"every": _EVERY},
    "rates": {"dimension": f"{_DIMENSION}, or `'reason'`.", "every": _EVERY, "min_voices": _VOICES},
    "reasons_over_time": {
        "service": f"{_SERVICE} NULL for all.",
        "every": _EVERY,
        "basis": _BASIS,
        "min_voices": _VOICES,
    },
    "spread": {"service": _SERVICE, "basis": _BASIS, "public_only": _PUBLIC, "min_voices": _VOICES},
    "survival": {"dimension": f"{_DIMENSION}."},
    "trend": {
        "dimension": f"{_DIMENSION}, or `'reason'`.",
        "every": _EVERY,
        "basis": _BASIS,
        "ended": "true counts restrictions that have ended, by the date of their end; by default false.",
        "min_voices": _VOICES,
    },
}
"""Macro → what each of its parameters takes."""

LIKE: Mapping[str, str] = {"changes_since": "changes", "in_force_on": "restrictions", "known_on": "event_history"}
"""Macro → the table or view whose columns it has. Those that it has beside them are described in COLUMNS."""

_FIRSTS = {
    "service_canonical": "Usual English name of the service.",
    "country": "ISO 3166-1 alpha-2 code of the actors' country; EU for the Union, XX if it can't be told.",
    "first_date": "When it first restricted the service, as exact as can be told: a day, month, year, or two days with "
    "a slash between which it lies; NULL if no restriction is dated.",
    "first_from": "First day on which that may have been; NULL with it.",
    "first_to": "Last day on which that may have been; NULL with it.",
    "date_precision": "day, month, year or range: how exact first_date is; NULL with it.",
    "date_basis": "stated, or reported where only the day of the first report is known; NULL if there is neither.",
    "first_reported": "Publication day of the earliest dated article on any of them.",
    "restrictions": "How many restrictions of the service it has.",
    "undated": "How many of them have no stated date.",
    "is_country": "False for EU and XX.",
    "days_min": "Fewest days after the first country that the dates allow.",
    "days_max": "Most days after the first country that the dates allow.",
}
_PERIOD = {"period": "First day of the period; NULL where the date is too coarse for it, or none is stated."}
_YEAR = {"year": "Year of the stated date, where that much is stated."}
_COVERED = {
    "sources": "How many sources brought articles of the period.",
    "silent_sources": "How many sources brought none, of which their own pace lets expect five or more.",
    "read_share": "Articles read, as a share of what the pace of the sources lets expect.",
    "complete": "Whether the whole period lies between the first article and the last day on which we looked.",
    "coverage": "none (nothing was read), gaps (under two thirds of what may be expected, or most polls failed), "
    "thin (under 100 articles) or ok.",
}
_LAGS = {
    "days_min": "Fewest days from a's first restriction to b's; negative where b came first.",
    "days_max": "Most days from a's first restriction to b's.",
}

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "changes_since": {
        "former_id": "The id that the event had then, where that was another.",
        "changes": "How many rows of `changes` are summed up here.",
    },
    "coverage_by": {
        "period": "First day of the period.",
        **_COVERED,
        "articles": "How many articles published in the period were read, whenever that was.",
        "expected": "How many the pace of the sources, over all their days, lets expect.",
        "fetched": "How many articles were read in the period, whenever they were published.",
        "polls": "How often feeds were asked in the period.",
        "answered": "How often they answered.",
    },
    "days_to_nth": {
        "service_canonical": "Usual English name of the service.",
        "countries": "How many countries have a dated restriction of it.",
        "undated_countries": "How many countries have undated restrictions of it alone.",
        "reached": "Whether there are n dated countries.",
        "first_from": "First day on which the first country may have restricted it.",
        "first_to": "Last day on which the first country may have restricted it.",
        "nth_from": "First day on which the nth may have; NULL if there are fewer.",
        "nth_to": "Last day on which the nth may have; NULL if there are fewer.",
        "days_min": "Fewest days between the two that the dates allow; NULL if there are fewer countries.",
        "days_max": "Most days between the two that the dates allow; NULL if there are fewer countries.",
    },
    "first_movers": {
        **_FIRSTS,
        "role": "first (surely), perhaps (its date allows it), tied (on the same day as another), follower or undated.",
    },
    "first_restrictions": _FIRSTS,
    "lead_lag": {
        "country_a": "Code of the one country.",
        "country_b": "Code of the other.",
        "services": "How many services both have restricted.",
        "dated": "For how many of them both dates are known, more or less exactly.",
        "undated": "For how many of them one of the dates is not.",
        "a_first": "For how many a was surely first.",
        "b_first": "For how many b was surely first.",
        "same_day": "For how many both did so on one day.",
        "unclear": "For how many the dates are too coarse to tell.",
        "median_days_min": "Median over the services of the fewest days from a to b; negative where b came first.",
        "median_days_max": "Median over the services of the most days from a to b.",
        "mean_days_min": "Mean over the services of the fewest days from a to b.",
        "mean_days_max": "Mean over the services of the most days from a to b.",
    },
    "lead_lag_services": {
        "service_canonical": "Usual English name of the service.",
        "first": "Code of the country that was surely first; else same day, unclear or undated.",
        "a_first_date": "When a first restricted it, as exact as can be told.",
        "b_first_date": "When b first restricted it, as exact as can be told.",
        **_LAGS,
    },
    "matched_rates": {
        "period": "First day of the later of two periods that follow each other.",
        "sources": "How many sources were read in both.",
        "articles_before": "How many articles of these sources were read of the earlier period.",
        "articles": "How many of the later one.",
        "mentions_before": "How many mentions of any action and status these articles state: the earlier period.",
        "mentions": "The same of the later one.",
        "rate_before": "Mentions per 1,000 articles in the earlier period.",
        "rate": "Mentions per 1,000 articles in the later one.",
        "change": "The later rate as a multiple of the earlier; NULL where that was 0.",
    },
    "rates": {
        "period": "First day of the period of the first report; NULL for restrictions that no dated article reports.",
        "value": "The dimension's value; NULL where it is not stated.",
        "restrictions": "How many restrictions were first reported in the period.",
        "articles": "How many articles published in it were read.",
        "rate": "Restrictions per 1,000 of these articles; NULL where none was read.",
        "rate_low": "Lower end of its 95 % interval, by the number of restrictions alone.",
        "rate_high": "Upper end of that interval.",
        **_COVERED,
    },
    "reasons_over_time": {
        **_PERIOD,
        **_YEAR,
        "date_basis": "stated or reported; NULL if there is neither.",
        "reason": "Class of the reason; NULL counts the restrictions for which none is stated.",
        "restrictions": "How many restrictions of the period give it; one with several reasons counts under each.",
        "stating": "How many restrictions of the period give any reason.",
        "share": "restrictions as a share of stating; shares may add up to more than 1.",
    },
    "spread": {
        **_FIRSTS,
        "rank": "Its place among the countries at best, 1 for the first; NULL where it is undated or no country.",
        "rank_to": "Its place at worst.",
        "certain": "Whether the two are the same.",
        "countries": "How many countries surely had a restriction by first_to.",
    },
    "survival": {
        "value": "The dimension's value.",
        "bound": "shortest or longest: by which of the lifetimes that the dates allow.",
        "days": "After how many days; there is a row for each length after which one ended.",
        "at_risk": "How many had lasted that long, as far as is known.",
        "ended": "How many of them ended then.",
        "surviving": "Share that is still in force after that many days (Kaplan and Meier).",
    },
    "trend": {
        **_PERIOD,
        **_YEAR,
        "value": "The dimension's value; NULL where it is not stated.",
        "date_basis": "stated or reported; NULL if there is neither.",
        "restrictions": "How many restrictions; one with several reasons counts under each.",
    },
}
"""Macro → what its columns mean."""
