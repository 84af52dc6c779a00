// Keys of the review page, each shown on what it presses; and a quicker look for what decisions have changed.

import { look, say } from "./page.js";

const CARRYING = 1500; // milliseconds between two looks while decisions are being carried out

const isTyping = (target) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  if (event.key === "Escape" && isTyping(event.target)) {
    event.target.blur();
    say("Keys are answers again.");
    return;
  }
  if (isTyping(event.target)) return;
  const pressed = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!pressed) return;
  event.preventDefault();
  pressed.click();
});

/** Open what is to be filled in, and go there. */
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  const opened = opener && document.getElementById(opener.dataset.opens);
  if (!opened) return;
  event.preventDefault();
  opened.open = true;
  opened.scrollIntoView({ block: "nearest" });
  opened.querySelector("select, input:not([type=hidden])")?.focus();
});

// An answer is given once, however often the key is pressed while it is being kept.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[method=post]");
  if (!form) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

setInterval(() => {
  if (document.querySelector("[data-carrying]")) look();
}, CARRYING);
