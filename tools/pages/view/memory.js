/** @file The plan of memory: every buffer a rectangle, calls to the right, bytes downwards. */

import { button, byId, make, spellBytes, terms } from "./data.js";

const SPACE = "http://www.w3.org/2000/svg";
const LEFT = 74;
const TOP = 8;
const BOTTOM = 30;
const TICKS = 6;

/**
 * @typedef {import("./data.js").Plan} Plan
 * @typedef {import("./data.js").Buffer} Buffer
 */

export class MemoryView {
  /** @param {Plan} plan @param {(kernel: string) => void} openKernel */
  constructor(plan, openKernel) {
    this.plan = plan;
    this.openKernel = openKernel;
    /** @type {Element[]} */
    this.rectangles = [];
    this.chosen = -1;
    this.kept = plan.buffers.filter(({ kind }) => kind === "once").reduce((sum, { bytes }) => sum + bytes, 0);
    this.showKept = !plan.launches.length;
    const ratio = plan.bound ? ` (${(plan.arena / plan.bound).toFixed(2)} × the least that any plan needs)` : "";
    const text = `${plan.launches.length} calls, ${plan.buffers.length} buffers; arena ${spellBytes(plan.arena)}${ratio}`;
    byId("plan").replaceChildren(make("span", {}, text), ...this.choice());
    byId("buffer").replaceChildren(
      make("h2", {}, "Buffers"),
      make("p", {}, "To the right: calls, in order. Downwards: bytes. Point at a buffer, or go to the next one by arrow keys."),
    );
    const map = byId("map");
    new ResizeObserver(() => this.draw()).observe(map);
  }

  /** Whether to show what is kept for good, behind the arena. */
  choice() {
    if (!this.kept || this.showKept) return [];
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      this.showKept = box.checked;
      this.draw();
    });
    return [make("label", {}, box, ` and ${spellBytes(this.kept)} behind it, computed once`)];
  }

  draw() {
    const map = byId("map");
    const [width, height] = [map.clientWidth, map.clientHeight];
    if (!width || !height) return;
    const { buffers, launches } = this.plan;
    const all = buffers.reduce((most, { at, bytes }) => Math.max(most, at + bytes), this.plan.arena);
    const end = (this.showKept ? all : this.plan.arena) || 1;
    const x = (/** @type {number} */ call) => LEFT + (call / Math.max(1, launches.length)) * (width - LEFT - 8);
    const y = (/** @type {number} */ byte) => TOP + (byte / end) * (height - TOP - BOTTOM);
    const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "application" });
    svg.setAttribute("aria-label", "Buffers: left and right go from one to the next");
    for (let i = 0; i <= TICKS; i++) {
      const at = (end * i) / TICKS;
      svg.append(shape("line", { class: "edge", x1: LEFT, x2: width, y1: y(at), y2: y(at) }));
      svg.append(label(spellBytes(Math.round(at)), LEFT - 8, y(at) + (i ? 0 : 8), "end"));
      const call = Math.round((launches.length * i) / TICKS);
      svg.append(label(String(call), x(call), height - 8, i === TICKS ? "end" : i ? "middle" : "start"));
    }
    this.rectangles = buffers.map((buffer, i) => {
      const size = { width: Math.max(1, x(buffer.last + 1) - x(buffer.first)), height: Math.max(1, y(buffer.bytes) - y(0)) };
      const rectangle = shape("rect", { class: buffer.kind, x: x(buffer.first), y: y(buffer.at), ...size });
      rectangle.append(shape("title", {}, `${buffer.name}: ${buffer.type}, ${spellBytes(buffer.bytes)}`));
      rectangle.addEventListener("pointerenter", () => this.choose(i));
      if (buffer.at >= end) rectangle.setAttribute("visibility", "hidden");
      svg.append(rectangle);
      return rectangle;
    });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step || !buffers.length) return;
      event.preventDefault();
      this.choose((this.chosen + step + buffers.length) % buffers.length);
    });
    map.replaceChildren(svg);
  }

  /** @param {number} i */
  choose(i) {
    this.rectangles[this.chosen]?.classList.remove("chosen");
    this.rectangles[i]?.classList.add("chosen");
    this.chosen = i;
    const buffer = this.plan.buffers[i];
    const { name, kind, type, at, bytes, first, last } = buffer;
    byId("buffer").replaceChildren(
      make("h2", {}, name),
      terms([
        ["is", { input: "an input", output: "an output", once: "computed once, when the model is loaded" }[kind] ?? "a value"],
        ["type", type],
        ["bytes", `${bytes} (${spellBytes(bytes)}), from ${at} on`],
        ["alive", `calls ${first} to ${last}`],
      ]),
      ...this.calls("Written by", buffer.writers),
      ...this.calls("Read by", buffer.readers),
    );
  }

  /** @param {string} title @param {number[]} calls */
  calls(title, calls) {
    if (!calls.length) return [];
    const links = calls.map((call) => {
      const { kernel, origins } = this.plan.launches[call];
      return button(`${call}: ${kernel} · ${origins.join(", ")}`, () => this.openKernel(kernel));
    });
    return [make("h3", {}, title), make("div", { class: "links" }, ...links)];
  }

  /** @param {string} words @returns {number} how many buffers have them */
  search(words) {
    const wanted = words.toLowerCase();
    let count = 0;
    this.plan.buffers.forEach(({ name, type, writers }, i) => {
      const origins = writers.flatMap((call) => this.plan.launches[call].origins);
      const found = [name, type, ...origins].some((text) => text.toLowerCase().includes(wanted));
      this.rectangles[i]?.classList.toggle("dim", !found);
      count += Number(found);
      if (found && words && count === 1) this.choose(i);
    });
    return words ? count : 0;
  }
}

/** @param {string} name @param {Record<string, string | number>} attributes @param {string} [text] */
function shape(name, attributes, text = "") {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.textContent = text;
  return element;
}

/** @param {string} text @param {number} x @param {number} y @param {string} anchor */
function label(text, x, y, anchor) {
  return shape("text", { x, y, "text-anchor": anchor }, text);
}
