"""Keeping passwords out of what is printed: errors, logs, `clampdown config`."""

import re

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
