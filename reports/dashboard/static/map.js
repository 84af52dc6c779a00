/** Maps of the world that a slider moves from day to day, and a button plays. The server has drawn one day of each. */

import { showTip } from "./charts.js";

const DAY = 86_400_000;
const REST = 400; // milliseconds after which the address names the day
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const spell = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const count = new Intl.NumberFormat("en-GB");

class WorldMap {
  constructor(figure) {
    const { start, steps, countries, names } = JSON.parse(figure.querySelector("script").textContent);
    this.figure = figure;
    this.start = Date.parse(start);
    this.steps = steps;
    this.names = names;
    this.countries = Object.entries(countries).map(([code, packed]) => new Country(code, packed, figure));
    this.form = figure.querySelector("form");
    this.slider = figure.querySelector("input[type=range]");
    this.date = figure.querySelector("input[type=date]");
    this.play = figure.querySelector(".play");
    this.speed = figure.querySelector(".speed");
    this.told = figure.querySelector("output");
    this.elsewhere = figure.querySelector(".elsewhere");
    this.frame = null;
    this.rest = null;
    this.listen();
    for (const one of [this.slider, this.play, this.speed]) one.disabled = false;
    figure.dataset.ready = "";
    this.show(Number(this.slider.value));
  }

  listen() {
    this.slider.addEventListener("input", () => {
      this.pause();
      this.show(Number(this.slider.value));
    });
    this.slider.addEventListener("keydown", (event) => this.leap(event));
    this.date.addEventListener("change", () => {
      if (this.date.checkValidity()) {
        this.pause();
        this.show(Math.round((Date.parse(this.date.value) - this.start) / DAY));
      }
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.play.addEventListener("click", () => (this.frame === null ? this.run() : this.pause()));
    const map = this.figure.querySelector("svg.world");
    map.addEventListener("pointermove", (event) => showTip(event, this.tip(event.target.dataset?.code)));
    map.addEventListener("pointerleave", (event) => showTip(event, null));
    document.addEventListener("clampdown:leave", () => this.pause(), { once: true });
  }

  /** A month back or on with the keys for pages; the arrows move by a day. */
  leap(event) {
    const months = { PageUp: 1, PageDown: -1 }[event.key];
    if (!months) return;
    event.preventDefault();
    this.pause();
    this.show(this.offsetOf(months));
  }

  offsetOf(months) {
    const at = new Date(this.start + this.day * DAY);
    at.setUTCMonth(at.getUTCMonth() + months);
    return Math.round((at.getTime() - this.start) / DAY);
  }

  get last() {
    return Number(this.slider.max);
  }

  run() {
    let at = this.day >= this.last ? 0 : this.day;
    let before = null;
    this.mark(true);
    const step = (now) => {
      const passed = before === null ? 0 : now - before;
      if (calm.matches) {
        // Who wants little motion gets a picture a month, and time to look at it.
        if (before === null || passed >= 900) {
          this.show(before === null ? at : Math.min(this.offsetOf(1), this.last));
          before = now;
        }
      } else {
        at = Math.min(at + (passed / 1000 / Number(this.speed.value)) * this.last, this.last);
        before = now;
        this.show(Math.floor(at));
      }
      if (this.day < this.last) this.frame = requestAnimationFrame(step);
      else this.pause();
    };
    this.frame = requestAnimationFrame(step);
  }

  pause() {
    if (this.frame === null) return;
    cancelAnimationFrame(this.frame);
    this.frame = null;
    this.mark(false);
    this.settle();
  }

  mark(running) {
    this.play.setAttribute("aria-label", running ? "Pause" : "Play");
    this.figure.toggleAttribute("data-running", running);
    this.figure.closest("main")?.toggleAttribute("data-still", running); // newer data waits until it has played
    // While it plays, each day would be read aloud.
    this.told.setAttribute("aria-live", running ? "off" : "polite");
  }

  /** Draw a day, given by how many lie between it and the first. */
  show(wanted) {
    const day = Math.max(0, Math.min(Math.round(wanted), this.last));
    if (day === this.day) return;
    const first = this.day === undefined;
    this.day = day;
    let total = 0;
    let places = 0;
    const left = [];
    for (const one of this.countries) {
      const some = one.at(day);
      one.paint(this.steps.filter((step) => some >= step).length);
      total += some;
      if (some > 0 && one.code !== "EU" && one.code !== "XX") places += 1;
      if (some > 0 && !one.shapes.length) left.push([some, this.names[one.code]]);
    }
    const at = new Date(this.start + day * DAY);
    const restrictions = total === 1 ? "restriction was" : "restrictions were";
    const countries = places === 1 ? "country" : "countries";
    const told = `${count.format(total)} ${restrictions} surely in force in ${count.format(places)} ${countries} on ${spell.format(at)}.`;
    const named = left.sort((one, other) => other[0] - one[0]).map(([some, name]) => `${name} ${count.format(some)}`);
    this.told.textContent = told;
    this.elsewhere.textContent = named.length ? `Not on the map: ${named.join(", ")}.` : "";
    this.slider.value = day;
    this.slider.setAttribute("aria-valuetext", told);
    this.date.value = at.toISOString().slice(0, 10);
    if (!first && this.frame === null) this.settle();
  }

  /** What is costly waits until a day stays: the table, and the address that names the day. */
  settle() {
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      if (!this.figure.isConnected) return;
      const rows = this.countries
        .filter((one) => one.row)
        .sort((one, other) => other.now - one.now || this.names[one.code].localeCompare(this.names[other.code]));
      for (const one of rows) {
        const link = one.row.querySelector(".num a");
        link.textContent = count.format(one.now);
        link.setAttribute("href", link.getAttribute("href").replace(/([?&]on=)[^&]*/, `$1${this.date.value}`));
        one.row.parentElement.append(one.row);
      }
      const view = new URL(location.href);
      if (this.day === this.last) view.searchParams.delete("day");
      else view.searchParams.set("day", this.date.value);
      history.replaceState(history.state, "", view);
    }, REST);
  }

  tip(code) {
    const one = code && this.countries.find((other) => other.code === code);
    return one ? `${this.names[code]}: ${count.format(one.now)} in force` : null;
  }
}

class Country {
  /** `packed` has days since the change before and changes, one after the other. */
  constructor(code, packed, figure) {
    this.code = code;
    this.days = [];
    this.totals = [];
    this.now = 0;
    this.class = null;
    let day = 0;
    let total = 0;
    for (let place = 0; place < packed.length; place += 2) {
      this.days.push((day += packed[place]));
      this.totals.push((total += packed[place + 1]));
    }
    this.shapes = [...figure.querySelectorAll(`svg.world [data-code="${code}"]`)];
    this.row = figure.querySelector(`tr[data-row="${code}"]`);
  }

  at(day) {
    let low = 0;
    let high = this.days.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.days[middle] <= day) low = middle + 1;
      else high = middle;
    }
    this.now = low ? this.totals[low - 1] : 0;
    return this.now;
  }

  paint(step) {
    if (step === this.class) return;
    this.class = step;
    for (const shape of this.shapes) shape.setAttribute("class", `s${step}`);
  }
}

const begun = new WeakSet();

function begin() {
  for (const figure of document.querySelectorAll("figure.world-map")) {
    if (!begun.has(figure)) {
      begun.add(figure);
      new WorldMap(figure);
    }
  }
}

document.addEventListener("clampdown:main", begin);
begin();
