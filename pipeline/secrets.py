"""Keeping passwords out of what is printed: errors, logs, `clampdown config`."""

import re
from urllib.parse import urlsplit

_HIDDEN = "***"
# As libpq's connection strings have them: password=word, password='quoted \' words', scheme://user:password@host.
_WORD = re.compile(r"(?i)\b((?:ssl)?password\s*=\s*)(?:'(?:[^'\\]|\\.|'')*'|[^\s'\"&]+)")
_IN_URL = re.compile(r"(://[^\s:/@'\"]*:)[^\s'\"]*@")


def masked(text: str) -> str:
    """`text` with *** for the passwords in connection strings and addresses.

    >>> masked("ducklake:postgres:dbname=news password=hunter2 host=db")
    'ducklake:postgres:dbname=news password=*** host=db'
    """
    return _IN_URL.sub(rf"\g<1>{_HIDDEN}@", _WORD.sub(rf"\g<1>{_HIDDEN}", text))


def host_alone(url: str) -> str:
    """`url` without what chat services take for the password of a webhook: its path and query.

    >>> host_alone("https://hooks.example/services/T0/B1/xyz")
    'https://hooks.example/***'
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    is_bare = host == parts.netloc and not parts.path.strip("/") and not parts.query
    return url if is_bare else f"{parts.scheme}://{host}/{_HIDDEN}"
