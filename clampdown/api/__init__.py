"""# Python

Made by `python -m clampdown.api_reference > docs/python.md`; a test runs the examples over the bundled sample and
compares what they show. The same as a notebook: [api-notebook.ipynb](api-notebook.ipynb).

Needed are Clampdown, installed where your program runs, and a data folder. `clampdown run --sample` makes one to try
in half a minute, called `sample-data`; its articles are invented or retold, so read how it is done, not what comes
out.

## Five minutes

Open a data folder, or a published `clampdown.duckdb` wherever it lies, and ask. Runs can go on meanwhile.

>>> import clampdown
>>> warehouse = clampdown.open("sample-data")
>>> for event in warehouse.events(service="TikTok", actor="South Sudan National Communication Authority"):
...     print(event.date_value, event.country, event.action, event.service, "ended:", event.lifted)
2025-01-22 SS block TikTok ended: True

One event with all that speaks for it: its life in steps, what each article states, with the words that state it,
where they stand in the stored text, and the article's address.

>>> detail = warehouse.event(event)
>>> for step in detail.steps:
...     print(step.date_value, step.kind, repr(step.quote), "says", step.source)
2025-01-22 in_force 'closed' says Keyhole Watch
2025-01-28 lifted 'lifted its block' says Orrery News Agency: Top file
>>> mention = detail.mentions[1]
>>> mention.article.title, mention.article.url
('South Sudan restores Facebook and TikTok', 'http://.../article/southsudan-socialmedia-lifted-...')
>>> for name, quote in mention.quotes:
...     print(f"{name}: {quote.text!r} from {quote.start} to {quote.end}")
trigger: 'lifted its block' from 113 to 129
service: 'TikTok' from 34 to 40
actor: "South Sudan's National Communication Authority" from 66 to 112
date: 'on Tuesday' from 146 to 156
reason: 'violent content that' from 293 to 313
>>> quote = mention.quotes.trigger
>>> warehouse.text(mention.article.id, mention.version)[quote.start : quote.end] == quote.text
True

Ask in SQL for everything else, or ask one of the questions about trends. An answer is iterated over, or turned into a
table of pandas, Polars or Arrow where these are installed: `.df()`, `.pl()`, `.arrow()`. [schema.md](schema.md) tells
what there is, [queries.md](queries.md) has questions to start from, [trends.md](trends.md) says what trends mean.

>>> question = "SELECT country, action, date_value FROM restrictions WHERE service_canonical = ? AND voices >= 4"
>>> warehouse.sql(f"{question} ORDER BY date_value", ["DeepSeek"])
country  action  date_value
-------  ------  ----------
US       ban     2025-01-24
IT       block   2025-01-30
2 rows
>>> for row in warehouse.trends.spread("DeepSeek", min_voices=2).dicts()[:3]:
...     print(row["rank"], row["country"], row["first_date"])
1 US 2025-01-24
2 IN 2025-01-29
3 IT 2025-01-30

Texts of your own, with nothing stored. The model is in the package: nothing is fetched.

>>> found = clampdown.extract("South Korea's trade ministry blocked DeepSeek on Wednesday.", published="2025-02-06")
>>> found[0].actor, found[0].action.value, found[0].date_value
('South Korea Ministry of Trade', 'block', '2025-02-05')
>>> found[0].quotes.date
Quote(text='on Wednesday', start=46, end=58)

## Following what changes

`changes` tells what has become of each event since a day, a run or a cursor, once, whatever it went through: what kind
of change, the event before and after, when, and the sentences that tell of it. Keep the cursor, a line of text, and
the next time gives what came after.

>>> changes = warehouse.changes(since="2025-01-01")
>>> change = next(change for change in changes if change.event_id == event.id)
>>> change.kind.value, change.before, change.after.action.value
('appeared', None, 'block')
>>> [(sentence.published.isoformat(), sentence.title) for sentence in change.evidence][:1]
[('2025-01-28', 'South Sudan restores Facebook and TikTok')]
>>> kept = str(changes.cursor)
>>> len(warehouse.changes(since=kept))
0

A program that goes on for ever waits for what is published:

```python
from pathlib import Path

import clampdown

place = Path("place.json")
since = place.read_text() if place.exists() else "2025-01-01"
with clampdown.open("clampdown-data") as warehouse:
    for changes in warehouse.follow(since, every=60):
        for change in changes:
            print(change)
        place.with_suffix(".new").write_text(str(changes.cursor))
        place.with_suffix(".new").replace(place)
```

Each change comes once; a batch that was cut short before its cursor was kept comes again. A `clampdown rebuild` writes
the log of changes anew: the cursor finds its place by the run after which it was taken, and `changes.same_log` is false
that once. Snapshots may be replaced as often as they like: a version that is open stays readable, and `follow` goes on
to the next.

## What holds for all of it

* **One version.** A warehouse stays on the version of the data that it opened, so answers fit together. `refresh()`
  goes on to the newest, `follow` does so by itself.
* **Records don't change.** They are frozen dataclasses; they can be compared, kept, pickled, and turned into
  dictionaries with `to_dict()`. None is "not stated", never "no". Classes such as `Action` are strings, too:
  `event.action == "ban"`.
* **Offsets** count Unicode code points from 0, as Python does: `text[quote.start : quote.end]`.
* **Threads** can share a warehouse and an extractor. **Processes** can't share a warehouse: open it in each, after a
  fork. An extractor can be handed to them; each loads its own model.
* **Nothing is written, nothing is fetched.** A question has no way to other files, to settings or to the network. Only
  an extractor made with `Extractor.from_settings` asks the language model that its settings name, if they name one.
* **Errors** are `clampdown.ClampdownError`: `InputError` for what was asked, `WarehouseError` for files that can't be
  read, `ModelError` for weights. `error.hint` says what to do, and a traceback shows it, too.

>>> try:
...     warehouse.events(action="prohibit")
... except clampdown.ClampdownError as error:
...     print(error, error.hint, sep="; ")
there is no action 'prohibit'; Choose one of ban, block, suspend, limit, remove, warn, investigate, penalize, lift.

* **Texts are publishers'.** What a notebook shows of them is escaped; escape them as well where you show them.
* **Stable** is what stands on this page. Fields and arguments may be added. What is removed or renamed is told in
  CHANGELOG.md, and warned of one minor version before.
* **Typed.** `mypy --strict` knows all of it.
"""
