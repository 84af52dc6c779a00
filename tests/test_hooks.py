"""Webhooks of digests: what each sort of receiver is sent, signed, in order, tried again, and nothing in it alive."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from digest_material import EVENT, publish, told
from outbox_world import World, world
from test_digest import busy, listed, made
from test_digest_html import HERE, MORE_PAYLOADS, URLS, hostile

from clampdown.proofs.payloads import ALL
from flows.digest import make_digests
from flows.outputs import queue_hooks
from flows.sending import EVERYTHING, send_due
from pipeline.errors import WebhookError
from pipeline.outbox import State
from pipeline.settings import ServeSettings
from pipeline.subscription_types import Hook, Subscription
from reports.digest import Digest, News
from reports.hooks import CARD, SHOWN, SLACK_BLOCKS, SLACK_HEADER, content
from reports.inert import line
from reports.signing import read_secrets, signed

DOCS = Path(__file__).resolve().parent.parent / "docs" / "digest.md"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()


@dataclass
class Got:
    """A message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What was posted, and what is answered, by path: a status with headers, or None to hang up without a word."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str]] | None] = field(default_factory=dict)

    def to(self, path: str) -> list[Got]:
        return [one for one in self.got if one.path == path]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            answer = receiver.answers.get(self.path, (204, {}))
            if answer is None:
                self.close_connection = True
                return
            status, headers = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made_receiver:
        yield made_receiver


@pytest.fixture(scope="module")
def verified() -> Callable[..., bool]:
    """What the documentation gives to receivers."""
    (code,) = re.findall(r"```python\n(.*?def verified.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    found: Callable[..., bool] = names["verified"]
    return found


def subscribed(folder: Path, receiver: Receiver, *hooks: tuple[str, str, str]) -> World:
    """A site with one subscription and these hooks: path, template, variable of the secret."""
    site = world(folder)
    entries = "\n".join(
        f'[[subscription.hook]]\nurl = "{receiver.url}{path}"\ntemplate = "{template}"\nsecret_env = "{variable}"'
        for path, template, variable in hooks
    )
    folder.mkdir(exist_ok=True)
    site.settings.subscriptions.write_text(f'[[subscription]]\nid = "desk"\ntitle = "Desk"\n{entries}\n')
    return site


def queue(site: World, name: str, *hooks: Hook) -> None:
    """Make a digest of that name that is sent to these hooks, as its maker does."""
    digest = replace(busy(), name=name, subscription=Subscription("desk", "Desk", hooks=hooks))
    site.record("desk", name, queue_hooks(site.outbox(), digest, f"{HERE}/view/d"))


def test_a_digest_is_posted_to_each_hook_once(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, verified: Callable[..., bool]
) -> None:
    monkeypatch.setenv("DESK_SECRET", f"{SECRET} {OTHER}")
    site = subscribed(
        tmp_path, receiver, ("/p?key=K", "plain", "DESK_SECRET"), ("/s", "slack", ""), ("/t", "teams", "")
    )
    settings = site.settings.model_copy(update={"serve": ServeSettings(timezone="UTC", digest_at=time(7))})
    publish(tmp_path, 0, told(0))
    # So long after, there is nothing new: no picture need be drawn.
    now = datetime(2025, 2, 28, 7, 0, tzinfo=UTC)
    make_digests(settings, now)
    make_digests(settings, now)
    assert send_due(settings, now).moved == {State.SENT: 3}
    assert send_due(settings, now).moved == {}
    assert sorted(one.path for one in receiver.got) == ["/p?key=K", "/s", "/t"]

    (plain,) = receiver.to("/p?key=K")
    document = json.loads(plain.body)
    assert (document["type"], document["timestamp"][:10]) == ("digest.made", "2025-02-28")
    assert document["data"]["subscription"] == {"id": "desk", "title": "Desk"}
    assert (document["data"]["quiet"], document["data"]["items"]) == (True, [])
    assert plain.headers["content-type"] == "application/json; charset=utf-8"
    assert "." not in plain.headers["webhook-id"]
    long = 1e9
    for secret in (SECRET, OTHER):
        assert verified(plain.headers, plain.body, secret, long)
    assert not verified(plain.headers, plain.body + b" ", SECRET, long)
    assert not verified(plain.headers, plain.body, "whsec_" + base64.b64encode(b"x" * 32).decode(), long)
    assert not verified(plain.headers | {"webhook-timestamp": "1"}, plain.body, SECRET, 1e10)
    assert not verified(plain.headers, plain.body, SECRET), "it is of another year"
    assert not verified({}, plain.body, SECRET)
    for path in ("/s", "/t"):
        assert "webhook-signature" not in receiver.to(path)[0].headers
    kept = (tmp_path / "outbox").rglob("*.jsonl")
    assert all("key=K" not in path.read_text() for path in kept), "the address may be a password"


def test_a_signature_is_that_of_the_standard() -> None:
    secrets = read_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "X")
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}', secrets
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("value", ["", " ", "hunter2", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", f"{SECRET} hunter2"])
def test_what_is_no_secret_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(WebhookError, match="DESK_SECRET") as caught:
        read_secrets(value, "DESK_SECRET")
    told_of = f"{caught.value} {caught.value.hint}"
    assert "hunter2" not in told_of
    assert SECRET not in told_of
    assert "This makes one: python -c" in told_of
    assert not caught.value.retryable


def test_programs_are_sent_all_that_is_told() -> None:
    document = sent("plain", busy())
    told_of = {(item["event"]["service"], item["news"]) for item in document["data"]["items"]}
    assert {("TikTok", "lifted"), ("Kaspersky", "retracted"), ("Telegram", "new")} <= told_of
    assert document["data"]["browser"] == f"{HERE}/view/d"
    assert "https://alpha.example/news/1" in json.dumps(document)


def test_what_was_not_taken_is_tried_again_in_order(tmp_path: Path, receiver: Receiver) -> None:
    site = subscribed(tmp_path, receiver, ("/p", "plain", ""), ("/q", "plain", ""))
    hooks = [Hook(f"{receiver.url}/{one}") for one in "pq"]
    receiver.answers["/p"] = (503, {"Retry-After": "7200"})
    for day in ("2026-11-20", "2026-11-21"):
        queue(site, day, *hooks)
    assert send_due(site.settings).moved == {State.FAILED: 1, State.SENT: 2}
    assert len(receiver.to("/p")) == 1, "what comes after waits with it"
    waiting = next(row for row in site.rows().values() if row.state is State.FAILED)
    assert waiting.next_at is not None
    assert waiting.next_at - waiting.at >= timedelta(hours=1.9), "as the receiver asked"
    queue(site, "2026-11-22", *hooks)
    receiver.answers.clear()
    send_due(site.settings)
    assert len(receiver.to("/p")) == 1
    send_due(site.settings, hurry=EVERYTHING)
    tries = receiver.to("/p")
    numbers = [json.loads(one.body)["data"]["number"] for one in tries]
    ids = [one.headers["webhook-id"] for one in tries]
    assert len(ids) == 4
    assert ids[0] == ids[1], "one message, however often it is tried"
    assert len(set(ids)) == 3
    assert numbers == [17] * 4
    assert len(receiver.to("/q")) == 3
    assert {row.state for row in site.rows().values()} == {State.SENT}


def test_people_in_a_chat_are_told_once_where_that_cannot_be_known(tmp_path: Path, receiver: Receiver) -> None:
    site = subscribed(tmp_path, receiver, ("/s", "slack", ""), ("/p", "plain", ""))
    receiver.answers.update({"/s": None, "/p": None})
    queue(site, "2026-11-22", Hook(f"{receiver.url}/s", "slack"), Hook(f"{receiver.url}/p"))
    assert send_due(site.settings).moved == {State.UNKNOWN: 1, State.FAILED: 1}
    receiver.answers.clear()
    send_due(site.settings, hurry=EVERYTHING)
    assert (len(receiver.to("/s")), len(receiver.to("/p"))) == (1, 2)
    assert {row.state for row in site.rows().values()} == {State.UNKNOWN, State.SENT}


# What others wrote


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """The values in a document, each with the keys that lead to it."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, path)
    else:
        yield path, value


def sent(template: str, digest: Digest) -> Any:
    return json.loads(content(Hook("https://x.example", template), digest, f"{HERE}/view/d"))


MARKUP = re.compile(r"\]\(|\{\{|[<>]")
ELEMENTS = {
    "slack": {"header", "plain_text", "rich_text", "rich_text_section", "rich_text_quote", "text", "link"},
    "teams": {"message", "AdaptiveCard", "RichTextBlock", "TextRun", "Action.OpenUrl"},
}


@pytest.mark.parametrize("template", ["slack", "teams"])
def test_nothing_that_others_wrote_is_alive_in_a_chat(template: str) -> None:
    harmless = [path for path, _ in leaves(sent(template, hostile("word")))]
    # Longer ones would leave items out of a card.
    for payload in (one for one in (*MORE_PAYLOADS, *ALL) if 0 < len(line(one)) < 100):
        found = list(leaves(sent(template, hostile(payload))))
        assert [path for path, _ in found] == harmless
        assert {value for path, value in found if path[-1] == "type"} <= ELEMENTS[template]
        for path, value in found:
            if path[-1] == "url":
                assert str(value).startswith(("https://alpha.example/", HERE))
            elif path[-1] == "text" and path[:2] != ("blocks", "text"):
                assert MARKUP.search(str(value)) is None
                assert all(one.isprintable() or one in "\n\u200c\u200d" for one in str(value))


@pytest.mark.parametrize("template", ["slack", "teams"])
@pytest.mark.parametrize("url", URLS)
def test_links_lead_to_the_web_or_nowhere(template: str, url: str) -> None:
    urls = [str(value) for path, value in leaves(sent(template, hostile("word", url))) if path[-1] == "url"]
    assert all(re.match(r"https?://(readers|alpha|evil)\.example/", one) for one in urls)


def test_a_chat_is_told_the_gist_of_a_day_with_a_thousand_news() -> None:
    words = "Ein Satz, der kein Ende nimmt. " * 40
    items = [
        listed(News.NEW, replace(EVENT, id=f"{number:020d}", service=f"Dienst {number}", scope=words), words)
        for number in range(SHOWN + 25)
    ]
    rest = [replace(items[0], listed=False, event=replace(EVENT, id=f"x{number}")) for number in range(960)]
    thousand = made([*items, *rest], subscription=Subscription("desk", "Desk " * 60))
    slack = sent("slack", thousand)
    assert len(slack["blocks"]) <= SLACK_BLOCKS
    assert len(slack["blocks"][0]["text"]["text"]) <= SLACK_HEADER
    said = [str(value) for path, value in leaves(slack) if path[-1] == "text"]
    assert "25 more in the digest.\n" in said
    assert any(one.startswith("960 more: DeepSeek 960") for one in said)
    body = content(Hook("https://x.example", "teams"), thousand, None)
    assert len(body) <= CARD
    assert "more in the digest." in body.decode()


def test_a_quiet_day_is_told_in_a_few_lines() -> None:
    for template in ("slack", "teams"):
        said = [str(value) for path, value in leaves(sent(template, made([]))) if path[-1] == "text"]
        assert any(one.startswith("Nothing new since") for one in said)
        assert len(said) <= 6
