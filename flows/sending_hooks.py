"""Posting what the outbox has for webhooks: signed, each message under one id however often it is tried."""

import os
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import ArchiveError, InputError, WebhookError
from pipeline.outbox import Outbox, Row, State, receiver_of
from pipeline.settings import Settings
from pipeline.subscription_types import Hook
from pipeline.subscriptions import load_subscriptions
from reports.hooks import message_id
from reports.signing import read_secrets, signed
from reports.webhook import post


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a message: its state, in what words, and how many seconds the receiver wants to be left alone."""

    state: State
    words: str
    wait: float = 0.0


def is_known_again(row: Row) -> bool:
    """Whether the receiver of a webhook knows a message that it is sent twice by its id. People in a chat do not."""
    return bool(row.entry.message_id)


class Hooks:
    """The receivers that the subscriptions name now. Raises InputError where the subscriptions can't be read."""

    def __init__(self, settings: Settings) -> None:
        self._hooks: dict[tuple[str, str], Hook] = {
            (one.id, receiver_of(hook.url)): hook
            for one in load_subscriptions(settings.subscriptions)
            for hook in one.hooks
        }

    def post(self, row: Row, outbox: Outbox, now: datetime) -> Posted:
        """Post a message to its receiver, unless its subscription names that no longer."""
        hook = self._hooks.get((row.subscription, row.entry.to))
        if hook is None:
            return Posted(State.CANCELLED, "its subscription has no such webhook any more")
        try:
            content = outbox.message(row.entry)
        except (InputError, ArchiveError) as error:
            return Posted(State.GIVEN_UP, str(error))
        try:
            secrets = read_secrets(os.environ.get(hook.secret_env, ""), hook.secret_env) if hook.secret_env else ()
            headers = signed(message_id(row.key), now, content, secrets)
            post(hook.url, content, headers, setting=f"the webhook of {row.subscription}")
        except WebhookError as error:
            if error.uncertain and not is_known_again(row):
                return Posted(State.UNKNOWN, str(error))
            if error.retryable or error.uncertain:
                return Posted(State.FAILED, str(error), error.retry_after or 0.0)
            # What an operator can mend is no reason to drop it; what the receiver will never take is.
            return Posted(State.FAILED if error.hint else State.REFUSED, str(error))
        return Posted(State.SENT, "taken")
