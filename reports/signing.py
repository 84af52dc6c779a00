"""Signing webhooks after Standard Webhooks (standardwebhooks.com), so that a receiver can tell who sent a message.

Three headers go with each post: `webhook-id` is the same for each try of one message, `webhook-timestamp` is when this
try was made, in seconds since 1970, and `webhook-signature` signs both and the body: "v1," and the HMAC-SHA256 of
`id.timestamp.body` in Base64, once for each secret.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pipeline.errors import WebhookError

PREFIX: Final = "whsec_"
"""What a secret begins with; Base64 follows."""

SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, as the standard has them."""

MAKE: Final = (
    "python -c \"import base64, secrets; print('whsec_' + base64.b64encode(secrets.token_bytes(32)).decode())\""
)
"""A command that makes a secret."""


def read_secrets(value: str, variable: str) -> tuple[bytes, ...]:
    """The secrets in the value of an environment variable: one or, while receivers change over, several by blanks.

    Raises WebhookError, which never repeats any of it, where there is none or one is malformed.
    """
    found = tuple(_secret(word, variable) for word in value.split())
    if not found:
        raise WebhookError(
            f"the environment variable {variable} holds no secret",
            hint=f"Set it where Clampdown runs. This makes one: {MAKE}",
            retryable=False,
        )
    return found


def _secret(word: str, variable: str) -> bytes:
    try:
        key = base64.b64decode(word.removeprefix(PREFIX), validate=True) if word.startswith(PREFIX) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not SHORTEST <= len(key) <= LONGEST:
        raise WebhookError(
            f"what the environment variable {variable} holds is no secret: {PREFIX} and the Base64 of "
            f"{SHORTEST} to {LONGEST} bytes",
            hint=f"This makes one: {MAKE}",
            retryable=False,
        )
    return key


def signed(message_id: str, at: datetime, body: bytes, secrets: Sequence[bytes]) -> Mapping[str, str]:
    """The headers of one try. Without secrets there is no signature, but id and time all the same."""
    timestamp = str(int(at.timestamp()))
    headers = {"webhook-id": message_id, "webhook-timestamp": timestamp}
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode() for secret in secrets]
    return headers | ({"webhook-signature": " ".join(f"v1,{one}" for one in signatures)} if signatures else {})
