// What all pages share: views that change without a reload, newer data, and buttons that copy.
// A page that was put in place is told of by the event "clampdown:main" on document.

const LOOK_EVERY = 20_000;
const main = () => document.getElementById("main");

export function say(words) {
  document.getElementById("aloud").textContent = words;
}

const opened = () => [...document.querySelectorAll("main details[open][id]")].map((one) => one.id);

/** Put the <main> of another address in place of this one. Focus, scroll and what is unfolded stay as they are. */
let latest = 0;
export async function show(address, { push = true, words = "The page was updated.", keep = true } = {}) {
  const turn = ++latest;
  main().setAttribute("aria-busy", "true");
  let text;
  let landed = address;
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    landed = answer.url;
    text = await answer.text();
  } catch {
    if (turn === latest) {
      main().removeAttribute("aria-busy");
      say("The dashboard does not answer.");
    }
    return false;
  }
  if (turn !== latest) return false;
  const next = new DOMParser().parseFromString(text, "text/html");
  const fresh = next.getElementById("main");
  if (!fresh) {
    location.assign(address);
    return false;
  }
  const focused = document.activeElement?.id;
  const [selectionStart, selectionEnd] = selection(document.activeElement);
  const open = opened();
  const top = window.scrollY;
  document.dispatchEvent(new CustomEvent("clampdown:leave"));
  main().replaceWith(document.adoptNode(fresh));
  document.title = next.title;
  const version = next.querySelector("meta[name=clampdown-version]");
  const known = document.querySelector("meta[name=clampdown-version]");
  if (version && known) known.content = version.content;
  const foot = next.querySelector("footer.bottom");
  if (foot) document.querySelector("footer.bottom").replaceWith(document.adoptNode(foot));
  if (push) history.pushState({ clampdown: true }, "", landed);
  if (keep) {
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    const back = focused && document.getElementById(focused);
    if (back) {
      back.focus({ preventScroll: true });
      if (selectionStart !== null && back.setSelectionRange) back.setSelectionRange(selectionStart, selectionEnd);
    }
    window.scrollTo({ top, behavior: "instant" });
  }
  document.dispatchEvent(new CustomEvent("clampdown:main"));
  say(main().querySelector("[data-says]")?.dataset.says ?? words);
  return true;
}

function selection(element) {
  try {
    return [element?.selectionStart ?? null, element?.selectionEnd ?? null];
  } catch {
    return [null, null];
  }
}

/** The address that a form with method GET leads to; what is empty is left out. */
export function addressOf(form) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && value !== "") asked.append(name, value);
  const to = new URL(form.action, location.href);
  to.search = asked.toString();
  return to.pathname + to.search;
}

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.matches("form[data-live]") && !event.target.matches("[data-later]")) show(addressOf(form));
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-live]")) {
    event.preventDefault();
    show(addressOf(event.target));
  }
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-live]");
  if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    show(link.href);
  }
});
window.addEventListener("popstate", () => {
  // A place within the page is no other view.
  if (shown !== location.pathname + location.search) show(location.href, { push: false });
  remember();
});
let shown = location.pathname + location.search;
function remember() {
  shown = location.pathname + location.search;
}
document.addEventListener("clampdown:main", remember);

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const text = source?.value ?? source?.textContent ?? "";
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    say("Copied.");
  } catch {
    // Without leave to write there: select it, so that it takes one key.
    if (source) getSelection().selectAllChildren(source);
    button.textContent = "Selected";
    say("Selected. Press control and C to copy.");
  }
  setTimeout(() => (button.textContent = before), 2000);
});

async function look() {
  const known = document.querySelector("meta[name=clampdown-version]");
  if (!known || document.hidden || main().dataset.still !== undefined) return;
  try {
    const { version } = await (await fetch("/version")).json();
    if (version && version !== known.content) await show(location.href, { push: false, words: "Newer data is shown." });
  } catch {
    // The server has ended, or does not answer now: the page stays as it is.
  }
}
setInterval(look, LOOK_EVERY);
document.addEventListener("visibilitychange", look);
