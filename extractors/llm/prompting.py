"""What the endpoint is asked: the guidelines, the excerpt, the schema of the answer. Pure functions."""

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from extractors.llm.excerpts import Excerpt
from pipeline.settings import LLMSettings
from pipeline.types import Action, ReasonClass, Status

Message = dict[str, str]

_QUOTE: Mapping[str, Any] = {"type": "string"}
_OPTIONAL: Mapping[str, Any] = {"type": ["string", "null"]}


@cache
def guidelines() -> str:
    """Return the short guidelines that head every request."""
    return files("extractors.llm").joinpath("guidelines.md").read_text(encoding="utf-8")


def answer_schema() -> dict[str, Any]:
    """Return the JSON schema of an answer, in the subset that strict modes take: all required, nothing else allowed."""
    event: dict[str, Any] = {
        "sentence": {"type": "integer"},
        "trigger": _QUOTE,
        "action": {"type": "string", "enum": [action.value for action in Action]},
        "status": {"type": "string", "enum": [status.value for status in Status]},
        "actor": _OPTIONAL,
        "service": _QUOTE,
        "scope": _OPTIONAL,
        "date": _OPTIONAL,
        "reason": _OPTIONAL,
        "reason_classes": {"type": "array", "items": {"type": "string", "enum": [one.value for one in ReasonClass]}},
        "confidence": {"type": "number"},
    }
    return _closed({"events": {"type": "array", "items": _closed(event)}})


def request_body(excerpt: Excerpt, published: date | None, settings: LLMSettings) -> dict[str, Any]:
    """Return the body of the request for one excerpt: all that the answer depends on, and nothing secret."""
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": [
            {"role": "system", "content": _system(settings.response_format)},
            {"role": "user", "content": _user(excerpt, published)},
        ],
        "stream": False,
    }
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    if settings.max_tokens is not None:
        body["max_tokens"] = settings.max_tokens
    if settings.response_format == "json_schema":
        named = {"name": "restriction_events", "strict": True, "schema": answer_schema()}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    elif settings.response_format == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


def repair_body(body: Mapping[str, Any], answer: str, fault: str) -> dict[str, Any]:
    """Return `body` with the answer that could not be read and what is wrong with it."""
    turn: list[Message] = [
        {"role": "assistant", "content": answer},
        {"role": "user", "content": f"That can't be read: {fault}. Answer again, with the whole JSON object only."},
    ]
    return {**body, "messages": [*body["messages"], *turn]}


def _system(response_format: str) -> str:
    """The schema is told in words only to servers that are not given it."""
    if response_format == "json_schema":
        return guidelines()
    shape = json.dumps(answer_schema())
    return f"{guidelines()}\n# Answer\n\nOne JSON object and nothing else, of this schema:\n{shape}\n"


def _user(excerpt: Excerpt, published: date | None) -> str:
    lines = [f"Published: {published:%A %-d %B %Y}" if published else "Published: unknown"]
    if excerpt.headline is not None:
        lines.append(f"Headline, for context only: {_flat(excerpt.text[slice(*excerpt.headline)])}")
    lines += ["", "Text:"]
    lines += [
        f"[{number}] {_flat(excerpt.text[start:end])}" for number, (start, end) in enumerate(excerpt.sentences, 1)
    ]
    return "\n".join(lines)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
