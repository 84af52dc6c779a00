"""What readers see in a browser when they end a subscription: short pages that need nothing from anywhere."""

from html import escape
from typing import Final

from reports.palette import INKS, THEMES, Theme

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action {forms}; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""What a page of ours may do; `forms` is 'self' where it has a button."""

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} – Clampdown</title>
<style>
:root {{ color-scheme: light dark; {light} }}
@media (prefers-color-scheme: dark) {{
  :root {{ {dark} }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0; padding: 28px 12px; background: var(--canvas); color: var(--ink);
  font: 17px/1.5 Georgia, 'Times New Roman', Times, serif; }}
main {{ max-width: 34rem; margin: 0 auto; padding: 34px 44px 38px; background: var(--paper); }}
.name {{ margin: 0; padding-bottom: 14px; border-bottom: 3px double var(--ink); font-size: 30px; font-weight: bold;
  letter-spacing: -0.5px; text-align: center; }}
h1 {{ margin: 30px 0 0; font-size: 25px; line-height: 1.25; letter-spacing: -0.2px; overflow-wrap: anywhere; }}
p {{ margin: 12px 0 0; overflow-wrap: anywhere; }}
.beside {{ color: var(--muted); font: 14px/1.5 -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; }}
button {{ margin: 24px 0 0; padding: 12px 22px; border: 1px solid var(--ink); border-radius: 3px;
  background: var(--ink); color: var(--paper); font-family: inherit; font-size: 17px; font-weight: bold;
  cursor: pointer; }}
button.second {{ background: var(--paper); color: var(--ink); font-weight: normal; }}
button:hover, button:focus-visible {{ outline: 2px solid var(--muted); outline-offset: 3px; }}
@media (max-width: 620px) {{ body {{ padding: 0; }} main {{ min-height: 100vh; padding: 26px 22px 30px; }} }}
</style>
</head>
<body>
<main>
<p class="name">Clampdown</p>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def to_confirm(subscription: str, address: str) -> bytes:
    """Before a reader is taken off: a button, because programs follow links by themselves."""
    title = f"Unsubscribe from “{escape(subscription)}”?"
    return _page(
        title,
        f"<p>{escape(address)} will be sent no more mail of this digest.</p>\n"
        + _button("Unsubscribe", {"List-Unsubscribe": "One-Click"}),
    )


def done(subscription: str, address: str) -> bytes:
    """After it: what has happened, and the way back."""
    return _page(
        "You are unsubscribed",
        f"<p>{escape(address)} is sent no more mail of “{escape(subscription)}”.</p>\n"
        '<p class="beside">A mail that is already on its way may still arrive.</p>\n'
        + _button("Subscribe again", {"again": "1"}, second=True),
    )


def back(subscription: str, address: str) -> bytes:
    """After a reader has changed their mind."""
    return _page("You are subscribed again", f"<p>{escape(address)} is sent “{escape(subscription)}” as before.</p>\n")


def unknown(ask: str) -> bytes:
    """For a link that is none of ours, or no longer. `ask` is an address of mail to turn to, if there is one."""
    way = f" Write to {escape(ask)} to be taken off a list." if ask else ""
    return _page(
        "This link does not work",
        f"<p>It may have been cut in two by a mail program: copy the whole of it.{way}</p>\n",
    )


def failed() -> bytes:
    """Where something here is out of order."""
    return _page("That could not be done", "<p>It is not your fault. Please try again in a few minutes.</p>\n")


def _page(title: str, body: str) -> bytes:
    """`title` and `body` are HTML."""
    colours = {theme: _colours(theme) for theme in THEMES}
    return _PAGE.format(title=title, body=body, **colours).encode("utf-8", "replace")


def _colours(theme: Theme) -> str:
    return " ".join(f"--{name}: {getattr(INKS[theme], name)};" for name in ("canvas", "paper", "ink", "muted"))


def _button(words: str, fields: dict[str, str], *, second: bool = False) -> str:
    """A form that posts to the page's own address."""
    hidden = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
    kind = ' class="second"' if second else ""
    return f'<form method="post">{hidden}<button type="submit"{kind}>{words}</button></form>'
