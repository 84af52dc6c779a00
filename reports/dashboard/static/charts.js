/** Charts: <chart-box><script type="application/json">Vega-Lite</script></chart-box> is drawn when it comes near the view.
 *
 * A chart is as large as its box and is drawn anew where the box gets another width. Colours are those of the light
 * theme: the style sheet turns them. What a mark of it tells stands in its datum: `told` where a pointer rests on it,
 * `address` where a click leads, on this site alone.
 */

const OPTIONS = {
  mode: "vega-lite",
  ast: true, // no eval: the policy of the page forbids it
  actions: false,
  defaultStyle: false,
  renderer: "svg",
};
const NEAR = "300px";

let library;

/** Vega, brought with the first chart that is near. It is a script that sets `window.vegaEmbed`. */
function vega() {
  library ??= import("./vega.js").then(
    () => window.vegaEmbed,
    (error) => {
      library = undefined; // to be tried again with the next chart
      throw error;
    },
  );
  return library;
}

/** Bring Vega while nothing else is to be done: the first chart is then there as soon as it is near. */
function bring() {
  if (document.querySelector("chart-box")) (window.requestIdleCallback ?? setTimeout)(() => vega().catch(() => {}));
}

/** Charts are drawn one after the other, and what a person does comes in between. */
let line = Promise.resolve();
function inTurn(work) {
  line = line.then(() => new Promise((next) => setTimeout(next))).then(work).catch(console.error);
}

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        near.unobserve(entry.target);
        entry.target.draw();
      }
    }
  },
  { rootMargin: NEAR },
);

const resized = new ResizeObserver((entries) => {
  for (const entry of entries) {
    entry.target.fit();
  }
});

class ChartBox extends HTMLElement {
  #drawn = null;
  #width = 0;

  connectedCallback() {
    near.observe(this);
  }

  disconnectedCallback() {
    near.unobserve(this);
    resized.unobserve(this);
    this.#drawn?.finalize();
    this.#drawn = null;
    this.#width = 0;
  }

  draw() {
    resized.observe(this); // which tells the first width, too
  }

  fit() {
    const width = Math.floor(this.clientWidth);
    if (width === this.#width || width === 0) {
      return;
    }
    this.#width = width;
    inTurn(() => (width === this.#width ? this.#embed(width) : undefined)); // only the latest
  }

  async #embed(width) {
    const embed = await vega();
    const holder = document.createElement("div");
    holder.setAttribute("aria-hidden", "true");
    const drawn = await embed(holder, specOf(this, width), { ...OPTIONS, tooltip: tell });
    if (!this.isConnected) {
      drawn.finalize();
      return;
    }
    drawn.view.addEventListener("click", (event, item) => follow(event, item?.datum?.address));
    this.#drawn?.finalize();
    this.#drawn = drawn;
    this.querySelector("div")?.remove();
    this.append(holder);
    this.dataset.drawn = "";
  }
}

/** The spec of a box for its size in pixels, with the data that the charts of a figure share. */
function specOf(box, width) {
  const spec = JSON.parse(box.querySelector("script").textContent);
  const shared = box.dataset.shared && document.getElementById(box.dataset.shared);
  const height = spec.autosize.type === "fit" ? box.clientHeight : spec.height;
  return { ...spec, width, height, datasets: shared ? JSON.parse(shared.textContent) : undefined };
}

/** Lead to a page of this site, as a link would. */
function follow(event, address) {
  if (typeof address !== "string" || !/^\/(?!\/)/.test(address)) {
    return;
  }
  if (event.ctrlKey || event.metaKey) {
    window.open(address, "_blank", "noopener");
  } else {
    window.location.assign(address);
  }
}

const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
tip.setAttribute("aria-hidden", "true"); // the table says the same

/** Show what a mark tells beside the pointer; Vega calls it with nothing where there is nothing to tell. */
function tell(handler, event, item, value) {
  const datum = item?.datum;
  // Where the nearest mark is told of, Vega rests on a shape around it that has the mark's datum within its own.
  showTip(event, value === null || value === undefined ? null : (datum?.told ?? datum?.datum?.told ?? value));
}

/** Words beside the pointer, or none. */
export function showTip(event, words) {
  if (words === null || words === undefined || words === "") {
    tip.hidden = true;
    return;
  }
  if (!tip.isConnected) {
    document.body.append(tip);
    window.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  }
  tip.textContent = String(words);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, window.innerWidth - box.width - 6);
  const above = event.clientY - box.height - 12;
  tip.style.left = `${Math.max(6, left)}px`;
  tip.style.top = `${above < 6 ? event.clientY + 18 : above}px`;
}

customElements.define("chart-box", ChartBox);
window.addEventListener("load", bring);
document.addEventListener("clampdown:main", bring);
