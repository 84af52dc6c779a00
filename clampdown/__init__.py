"""Restrictions on digital services, found in the news and kept with the words that state them.

    import clampdown

    with clampdown.open("sample-data") as warehouse:
        for event in warehouse.events(service="DeepSeek", action="ban"):
            print(event.date_value, event.country, event.actor)

    found = clampdown.extract("Italy blocked DeepSeek on Thursday.", published="2025-01-31")

docs/python.md tells all of it. What `__all__` names is public and stays; everything else may change. Importing this
costs next to nothing: each name is brought when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from clampdown.api.answers import Answer
    from clampdown.api.changes import Change, Changes, Cursor, Difference, Telling
    from clampdown.api.extraction import Extraction, Extractor, extract
    from clampdown.api.records import (
        Article,
        ArticleVersion,
        ChangeKind,
        Decision,
        Dissent,
        Event,
        EventDetail,
        Events,
        Mention,
        Quotes,
        Step,
        StoredMention,
        Voice,
    )
    from clampdown.api.store import Warehouse, open
    from clampdown.api.trends import Trends
    from pipeline.classes import (
        Action,
        ActorKind,
        ReasonClass,
        ScopeClass,
        Side,
        Status,
        TextOrigin,
        TransitionKind,
    )
    from pipeline.errors import (
        ClampdownError,
        EndpointError,
        ExtractionError,
        InputError,
        ModelError,
        SettingsError,
        WarehouseError,
    )
    from pipeline.event_types import Quote

    __version__: str

__all__ = [
    "Action",
    "ActorKind",
    "Answer",
    "Article",
    "ArticleVersion",
    "Change",
    "ChangeKind",
    "Changes",
    "ClampdownError",
    "Cursor",
    "Decision",
    "Difference",
    "Dissent",
    "EndpointError",
    "Event",
    "EventDetail",
    "Events",
    "Extraction",
    "ExtractionError",
    "Extractor",
    "InputError",
    "Mention",
    "ModelError",
    "Quote",
    "Quotes",
    "ReasonClass",
    "ScopeClass",
    "SettingsError",
    "Side",
    "Status",
    "Step",
    "StoredMention",
    "Telling",
    "TextOrigin",
    "TransitionKind",
    "Trends",
    "Voice",
    "Warehouse",
    "WarehouseError",
    "__version__",
    "extract",
    "open",
]

_HOMES: Final = {
    "clampdown.api.answers": "Answer",
    "clampdown.api.changes": "Change Changes Cursor Difference Telling",
    "clampdown.api.extraction": "Extraction Extractor extract",
    "clampdown.api.records": "Article ArticleVersion ChangeKind Decision Dissent Event EventDetail Events Mention "
    "Quotes Step StoredMention Voice",
    "clampdown.api.store": "Warehouse open",
    "clampdown.api.trends": "Trends",
    "pipeline.classes": "Action ActorKind ReasonClass ScopeClass Side Status TextOrigin TransitionKind",
    "pipeline.errors": "ClampdownError EndpointError ExtractionError InputError ModelError SettingsError "
    "WarehouseError",
    "pipeline.event_types": "Quote",
}

if not TYPE_CHECKING:  # else any name would pass for one of ours

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return import_module("importlib.metadata").version("clampdown")
        for home, names in _HOMES.items():
            if name in names.split():
                value = globals()[name] = getattr(import_module(home), name)
                return value
        raise AttributeError(f"module 'clampdown' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted(__all__)
