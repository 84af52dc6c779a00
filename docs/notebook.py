# %% [markdown]
# # How did restrictions on DeepSeek spread?
#
# A worked example on the bundled sample, from the file to a curve and back to the words. It needs `pip install duckdb`
# and nothing else. The sample's articles are invented or retold: read how it is done, not what comes out.
#
# Made from [notebook.py](notebook.py) by `python -m clampdown.notebook > docs/notebook.ipynb`. For your own data set
# `CLAMPDOWN_SNAPSHOT` to your `published/clampdown.duckdb`.

# %%
import os

import duckdb

SNAPSHOT = os.environ.get("CLAMPDOWN_SNAPSHOT", "../sample-data/published/clampdown.duckdb")
con = duckdb.connect(SNAPSHOT, read_only=True)


def show(sql: str) -> None:
    """Ask a question and print the answer."""
    con.sql(sql).show(max_width=110, max_rows=20)


show("SELECT key, value FROM manifest WHERE key IN ('model', 'span') ORDER BY key")

# %% [markdown]
# ## What is there to count?
#
# `events` holds all that was read: warnings, inquiries, lifts and proposals too. `restrictions` is what took force and
# was neither retracted nor dismissed: what to count by default.

# %%
show("""
    SELECT
        (SELECT count(*) FROM articles) AS articles,
        (SELECT count(*) FROM events) AS events,
        (SELECT count(*) FROM restrictions) AS restrictions,
        (SELECT count(*) FROM restrictions WHERE date_from IS NULL) AS undated,
        (SELECT count(*) FROM restrictions WHERE voices >= 2) AS by_two_voices
""")

# %% [markdown]
# ## Month by month
#
# The row without a month belongs to the answer: dates that are too coarse, or that no article states.

# %%
show("""
    SELECT coalesce(strftime(period, '%Y-%m'), 'no month') AS month, sum(restrictions)::INT AS restrictions,
        bar(sum(restrictions), 0, 80, 40) AS bar
    FROM trend('all', every := 'month')
    WHERE year >= 2024 OR year IS NULL
    GROUP BY month
    ORDER BY month
""")

# %% [markdown]
# Was it a wave, or did we read more? Rates per 1,000 articles, with 95 % intervals and the judgement on coverage: with
# so few articles no month says anything of the next.

# %%
show("""
    SELECT month, restrictions, articles, round(rate)::INT AS rate, round(rate_low)::INT AS low,
        round(rate_high)::INT AS high, coverage
    FROM restriction_rates
    WHERE month <= DATE '2025-04-01'
    ORDER BY month
""")

# %% [markdown]
# ## The spread
#
# Country by country. Something is odd about the first row.

# %%
show("SELECT country, first_date, rank, rank_to, countries, restrictions, undated FROM spread('DeepSeek')")

# %% [markdown]
# DeepSeek's chatbot is of January 2025. Which words say 2013?

# %%
show("""
    SELECT DISTINCT e.value, e.quote, a.text[e.quote_start - 56 : e.quote_end] AS around
    FROM evidence AS e JOIN restrictions AS r USING (event_id) JOIN articles AS a USING (article_id)
    WHERE r.service_canonical = 'DeepSeek' AND e.field = 'date' AND e.value < '2025' AND e.version = a.version
""")

# %% [markdown]
# A misread date: it is that of another rule. One article is enough to make a first mover, so ask for two independent
# voices: in our tests 86 % of such events are right, of those with one voice 47 % ([trust.md](trust.md)).

# %%
FIRSTS = """
    SELECT country, first_date, first_to, countries, days_min, restrictions
    FROM spread('DeepSeek', min_voices := 2)
    WHERE rank IS NOT NULL
    ORDER BY first_to, country
"""
show(FIRSTS)

# %% [markdown]
# The cumulative curve, drawn by hand so that nothing need be installed. A chart library of yours will do it better.

# %%
from dataclasses import dataclass  # noqa: E402
from datetime import date  # noqa: E402


@dataclass
class Steps:
    """A step curve: how many countries by which day."""

    firsts: list[tuple[str, date]]

    def _repr_svg_(self) -> str:
        days = [day.toordinal() for _, day in self.firsts]
        first, last = min(days), max(days)
        x = [40 + 480 * (day - first) / max(1, last - first) for day in days]
        y = [150 - 120 * number / len(days) for number in range(len(days) + 1)]
        path = f"M{x[0]:.0f},{y[0]:.0f}" + "".join(f" H{a:.0f} V{b:.0f}" for a, b in zip(x, y[1:], strict=True))
        texts = "".join(
            f'<text x="{a + 4:.0f}" y="{b + 12:.0f}">{name} {day:%d %b}</text>'
            for (name, day), a, b in zip(self.firsts, x, y[1:], strict=True)
        )
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="170" font-family="sans-serif" font-size="11">'
            f'<path d="{path}" fill="none" stroke="#1f5f99" stroke-width="2"/>{texts}</svg>'
        )


Steps([(country, day) for country, _, day, *_ in con.sql(FIRSTS).fetchall()])

# %% [markdown]
# ## Why?
#
# Reasons as the bodies give them; a restriction with two reasons counts under both, and most state none.

# %%
show("""
    SELECT coalesce(reason, '(none stated)') AS reason, sum(restrictions)::INT AS restrictions
    FROM reasons_over_time('DeepSeek')
    GROUP BY reason
    ORDER BY restrictions DESC, reason
""")

# %% [markdown]
# ## How many of these are right?
#
# Scores are probabilities: their sum is what to expect. Print it beside the count.

# %%
show("""
    SELECT if(voices >= 2, '2 or more', '1') AS voices, count(*) AS restrictions,
        round(sum(score))::INT AS expected_right
    FROM restrictions
    WHERE service_canonical = 'DeepSeek'
    GROUP BY ALL
    ORDER BY ALL
""")

# %% [markdown]
# ## Take it with you
#
# `con.sql(FIRSTS).df()` gives a pandas table, `.pl()` a polars one, `.write_csv("firsts.csv")` a file. A connection
# stays on the version that it opened; close it, and open anew for newer data. More questions, with their traps, are in
# [queries.md](queries.md).

# %%
con.close()
