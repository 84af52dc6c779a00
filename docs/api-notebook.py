# %% [markdown]
# # Clampdown from Python
#
# The same data as in [notebook.ipynb](notebook.ipynb), but through `import clampdown`: events with their evidence,
# texts of your own, and what changes. It needs `pip install clampdown`. The sample's articles are invented or retold:
# read how it is done, not what comes out. All of it is described in [python.md](python.md).
#
# Made from [api-notebook.py](api-notebook.py) by
# `python -m clampdown.notebook --source docs/api-notebook.py > docs/api-notebook.ipynb`. For your own data set
# `CLAMPDOWN_SNAPSHOT` to your data folder.

# %%
import os
from collections import Counter

import clampdown

warehouse = clampdown.open(os.environ.get("CLAMPDOWN_SNAPSHOT", "../sample-data"))
print(warehouse.model, warehouse.manifest["span"])

# %% [markdown]
# ## Which events are there?
#
# All that fit, the latest first: by service, country, actor, action, status, since and until. A slice is a table, too.

# %%
events = warehouse.events(service="DeepSeek", status="in_force", since="2025-01-20", until="2025-02-05")
events[:8]

# %% [markdown]
# ## One event, with all that speaks for it
#
# Its life in steps, what each article states, and where these differ. `warehouse.event` takes an id, too, or the
# beginning of one.

# %%
(listed,) = warehouse.events(service="DeepSeek", actor="Garante", action="block")
event = warehouse.event(listed)
event

# %% [markdown]
# Every field leads to the words that state it. Offsets count in the stored text, so what stands around them is a slice.

# %%
for mention in event.mentions[:4]:
    words = mention.quotes.trigger
    text = warehouse.text(mention.article.id, mention.version)
    print(f"{mention.article.source}: … {text[max(0, words.start - 40) : words.end + 40]!r} …")

# %% [markdown]
# ## Counting
#
# The questions about trends are methods; all else is SQL. With pandas or Polars installed, `.df()` and `.pl()` make a
# table of the answer.

# %%
warehouse.trends.spread("DeepSeek", min_voices=2)

# %%
warehouse.sql(
    """
    SELECT service_canonical AS service, count(*) AS restrictions, round(sum(score))::INT AS expected_right
    FROM restrictions
    WHERE country = $country
    GROUP BY ALL
    ORDER BY restrictions DESC, service
    LIMIT 5
    """,
    {"country": "KR"},
)

# %% [markdown]
# ## A text of your own
#
# The bundled model reads it; nothing is stored or fetched. `published` is the day from which "on Wednesday" counts.

# %%
clampdown.extract(
    "Ministry shuts out chatbot\n\nSouth Korea's trade ministry blocked DeepSeek on its computers on Wednesday, citing "
    "security concerns. Two banks said they would follow.",
    published="2025-02-06",
)

# %% [markdown]
# For many texts keep an extractor. It reads them as they come.

# %%
extractor = clampdown.Extractor(threads=1)
texts = [
    ("Ruritania's interior ministry banned Telegram on government phones on Monday.", "2025-02-12"),
    ("The harbour was calm, and the ferry ran on time.", "2025-02-12"),
    ("A court in Strelsau lifted the ban on TikTok on 3 March 2025.", None),
]
for found in extractor.extract_many(texts):
    print([f"{one.action} {one.service} {one.date_value}" for one in found], "in", repr(found.text[:30]))

# %% [markdown]
# ## What has changed?
#
# Since a day, a run, or the cursor that you kept last time. Each event comes once, with what became of it.

# %%
changes = warehouse.changes(since="2025-01-01")
print(Counter(change.kind.value for change in changes).most_common())
change = next(change for change in changes if change.event_id == event.id)
for telling in change.evidence:
    print(f"{telling.published}, {telling.source}: {telling.quote.text}")

# %% [markdown]
# Keep `str(changes.cursor)`, one line of text, and go on from there. `warehouse.follow(since)` waits for what is
# published next, and yields it in the same form.

# %%
kept = str(changes.cursor)
len(warehouse.changes(since=kept))

# %% [markdown]
# ## When something is wrong
#
# Every error is a `clampdown.ClampdownError` with a `hint` that says what to do.

# %%
try:
    warehouse.sql("SELECT service FROM events")
except clampdown.ClampdownError as error:
    print(error.hint)

# %%
warehouse.close()
