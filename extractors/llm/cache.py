"""Answers on disk: one small JSON file each, named by a hash of everything that the answer depends on."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answered. Tokens are None where it didn't count them; `seconds` is how long the call took."""

    content: str
    finish: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float = 0.0


def request_key(endpoint: str, body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of endpoint and request body: text, date, prompt, schema, model and parameters are in it."""
    return hashlib.sha256(json.dumps([endpoint, body], sort_keys=True).encode()).hexdigest()


class AnswerCache:
    """A folder of answers. `folder` None keeps none. Safe between threads and processes: files are replaced whole."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str) -> Answer | None:
        """Return the answer kept under `key`; None where there is none, or only a damaged one."""
        if self._folder is None:
            return None
        path = self._path(self._folder, key)
        try:
            kept = json.loads(path.read_bytes())
            if kept["key"] != key or kept["sha256"] != _digest(kept["content"]):
                raise ValueError("its checksum is wrong")
            return Answer(
                content=kept["content"],
                finish=kept["finish"],
                input_tokens=kept["input_tokens"],
                output_tokens=kept["output_tokens"],
                seconds=kept["seconds"],
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s is damaged and left out: %s", path, error)
            return None

    def put(self, key: str, answer: Answer) -> None:
        """Keep `answer`. A full disk costs the next run a call, not this one its result."""
        if self._folder is None:
            return
        path = self._path(self._folder, key)
        kept = {
            "key": key,
            "sha256": _digest(answer.content),
            "content": answer.content,
            "finish": answer.finish,
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
            "seconds": round(answer.seconds, 3),
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile("w", dir=path.parent, suffix=".new", delete=False, encoding="utf-8") as file:
                fresh = Path(file.name)
                try:
                    json.dump(kept, file)
                    file.flush()
                    fresh.replace(path)
                except OSError:
                    fresh.unlink(missing_ok=True)
                    raise
        except OSError as error:
            log.warning("%s can't be written: %s", path, error)

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key}.json"


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
