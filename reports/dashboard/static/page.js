// What all pages share: views that change without a reload, newer data, and buttons that copy.
// When a page was put in place, document gets the event "clampdown:main"; "clampdown:leave" right before.

const LOOK_EVERY = 20_000; // milliseconds between two looks for newer data
const TYPED = 250; // milliseconds without a key after which a search begins
const VERSION = "meta[name=clampdown-version]";

const main = () => document.getElementById("main");
let latest = 0;
let shown = location.pathname + location.search;

/** Tell who listens to the page, and does not see it. */
export function say(words) {
  document.getElementById("aloud").textContent = words;
}

/** Put the <main> of another address in place of this one. What is unfolded, typed and in focus stays as it is.
 *
 * `record` is what becomes of the history: "push", "replace" or "none". Gives whether it was done.
 */
export async function show(address, { record = "push", words = "The page was updated." } = {}) {
  const turn = ++latest;
  main().setAttribute("aria-busy", "true");
  let next, landed;
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    landed = answer.url;
    next = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    if (turn === latest) {
      main().removeAttribute("aria-busy");
      say("The dashboard does not answer.");
    }
    return false;
  }
  if (turn !== latest) return false; // another view was asked for meanwhile
  if (!next.getElementById("main")) {
    location.assign(address);
    return false;
  }
  if (record === "push") history.pushState(null, "", landed);
  if (record === "replace") history.replaceState(null, "", landed);
  shown = location.pathname + location.search;
  put(next);
  say(main().querySelector("[data-says]")?.dataset.says ?? words);
  return true;
}

/** Replace what differs between two pages of ours. */
function put(next) {
  const unfolded = [...document.querySelectorAll("main details[open][id]")].map((one) => one.id);
  const focused = document.activeElement;
  const wasInside = main().contains(focused) && focused !== main();
  const typing = focused?.matches("main input[type=search], main input[type=text]") ? focused : null;
  const top = window.scrollY;
  document.dispatchEvent(new CustomEvent("clampdown:leave"));
  main().replaceWith(document.adoptNode(next.getElementById("main")));
  document.querySelector("footer.bottom").replaceWith(document.adoptNode(next.querySelector("footer.bottom")));
  document.title = next.title;
  const version = document.querySelector(VERSION);
  if (version) version.content = next.querySelector(VERSION)?.content ?? version.content;
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  const back = focused?.id ? document.getElementById(focused.id) : null;
  if (back && back !== document.activeElement) {
    back.focus({ preventScroll: true });
    if (typing) {
      back.value = typing.value;
      back.setSelectionRange(typing.selectionStart, typing.selectionEnd);
    }
  }
  // What had the focus is gone with what it did: whoever uses keys goes on from here.
  if (wasInside && !back) main().focus({ preventScroll: true });
  window.scrollTo({ top, behavior: "instant" });
  document.dispatchEvent(new CustomEvent("clampdown:main"));
}

/** The address that a form with method GET leads to; what is empty is left out. */
export function addressOf(form) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && value !== "") asked.append(name, value);
  }
  // The attribute: a form's own property is a field of it where one is called "action".
  const to = new URL(form.getAttribute("action") ?? "", location.href);
  to.search = asked.toString();
  return to.pathname + to.search;
}

const isLive = (control) => control.form?.matches("form[data-live]") && !control.matches("[data-later]");

let pause;
document.addEventListener("input", (event) => {
  if (event.target.type !== "search" || !isLive(event.target)) return;
  const { form } = event.target;
  clearTimeout(pause);
  pause = setTimeout(() => show(addressOf(form), { record: "replace" }), TYPED);
});

document.addEventListener("change", (event) => {
  if (event.target.type !== "search" && isLive(event.target)) show(addressOf(event.target.form));
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-live]")) return;
  event.preventDefault();
  clearTimeout(pause);
  show(addressOf(event.target));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-live]");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (link && isPlain) {
    event.preventDefault();
    show(link.href);
  }
});

window.addEventListener("popstate", () => {
  // Another place in the same view needs nothing new.
  if (shown !== location.pathname + location.search) show(location.href, { record: "none" });
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  const source = button && document.getElementById(button.dataset.copy);
  if (!source) return;
  const before = button.dataset.words ?? (button.dataset.words = button.textContent);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = "Copied";
    say("Copied.");
  } catch {
    // Where writing there is not allowed, it takes one key more.
    getSelection().selectAllChildren(source);
    button.textContent = "Selected";
    say("Selected. Control and C copies it.");
  }
  setTimeout(() => {
    button.textContent = before;
  }, 2000);
});

/** Whether something was typed or chosen here that no address holds yet. */
const isBegun = () =>
  [...main().querySelectorAll("input:not([type=hidden]):not([type=range]), textarea")].some((one) =>
    one.type === "checkbox" || one.type === "radio" ? one.checked !== one.defaultChecked : one.value !== one.defaultValue,
  );

/** Move to newer data, if there is any. A page with data-still on its <main> says itself when it wants to. */
export async function look() {
  const known = document.querySelector(VERSION);
  if (!known || document.hidden || main().dataset.still !== undefined || isBegun()) return;
  try {
    const { version } = await (await fetch("/version")).json();
    if (version && version !== known.content) {
      await show(location.href, { record: "none", words: "Newer data is shown." });
    }
  } catch {
    // The server has ended, or does not answer now: the page stays as it is.
  }
}
setInterval(look, LOOK_EVERY);
document.addEventListener("visibilitychange", look);
