/** @file The graph at every level, and what each pass did to it. */

import { button, byId, make, terms } from "./data.js";
import { layOut } from "./layout.js";
import { Scene } from "./scene.js";

const MOST_ROWS = 300;
const MOST_LINKS = 40;

/**
 * @typedef {import("./data.js").View} View
 * @typedef {import("./data.js").Step} Step
 * @typedef {import("./data.js").Node} Node
 * @typedef {import("./data.js").Row} Row
 * @typedef {import("./scene.js").Card} Card
 */

const KINDS = /** @type {[RegExp, string][]} */ ([
  [/^(input|output)$/, "ends"],
  [/conv(_transpose)?$|matmul|lstm|gru|rnn|einsum/, "product"],
  [/reshape|transpose|concat|slice|convert|pad$|expand|split|gather|squeeze|tile/, "moves"],
  [/pool|reduc|softmax|norm|arg|sum|mean|resize|top_k/, "gathers"],
]);

/** @param {Node} node the colour that its box has */
function kindOf({ name, text }) {
  if (name === "kernel.compute" || name === "kernel.call") {
    if (!text.includes("kernel.reduce")) return "works";
    return /kernel\.reduce add[^]*?arith\.mulf/.test(text) ? "product" : "gathers";
  }
  return KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? "works";
}

export class GraphView {
  /** @param {View} view @param {(kernel: string) => void} openKernel */
  constructor(view, openKernel) {
    this.view = view;
    this.openKernel = openKernel;
    this.step = 0;
    this.moment = "after";
    this.words = "";
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    /** @type {Map<number, number>} from the number of an operation to its node in the shown graph */
    this.places = new Map();
    const canvas = byId("canvas");
    if (!(canvas instanceof HTMLCanvasElement)) throw new Error("the canvas is none");
    this.scene = new Scene(canvas, (id) => this.describe(id));
    byId("fit").addEventListener("click", () => this.scene.fit());
    byId("moment").addEventListener("change", (event) => {
      if (event.target instanceof HTMLInputElement) this.show(this.step, event.target.value);
    });
    this.list();
  }

  /** The list of levels, with the passes that lead to each. */
  list() {
    const { steps, levels } = this.view;
    const items = levels.flatMap(([level, says]) => {
      const inside = steps.map((step, i) => ({ step, i })).filter(({ step }) => step.level === level);
      const last = inside.at(-1);
      if (!last) return [];
      const passes = inside.filter(({ i }) => i > 0).map(({ step, i }) => this.entry(step, i));
      return [make("h2", {}, says), ...passes, this.levelEntry(level, last.i, last.step.nodes.length)];
    });
    byId("steps").replaceChildren(...items);
  }

  /** @param {Step} step @param {number} i */
  entry({ name, rows }, i) {
    const counts = countsOf(rows);
    const element = button("", () => this.show(i, "after"));
    element.title = name;
    element.dataset.step = String(i);
    element.replaceChildren(
      make("span", counts.length ? {} : { class: "idle" }, name.replace(/\{.*/s, "")),
      make("span", { class: "count" }, ...counts.map(([kind, text]) => make("span", { class: kind }, ` ${text}`))),
    );
    return element;
  }

  /** @param {string} level @param {number} i its last step @param {number} count */
  levelEntry(level, i, count) {
    const element = button("", () => this.show(i, "level"));
    element.title = `the graph of level ${level}`;
    element.dataset.level = String(i);
    element.replaceChildren(
      make("span", { class: "level" }, `■ ${level}`),
      make("span", { class: "count" }, `${count} nodes`),
    );
    return element;
  }

  /** @param {number} i @param {string} moment "before" or "after" a pass, or "level" */
  show(i, moment) {
    const moved = i !== this.step || !this.places.size;
    this.step = i;
    this.moment = moment;
    const { steps, nodes } = this.view;
    const shown = steps[moment === "before" ? Math.max(0, i - 1) : i].nodes;
    this.places = new Map(shown.map((place) => [nodes[place].op, place]));
    const vertices = shown.map((place) => ({
      id: nodes[place].op,
      ins: nodes[place].ins.filter((source) => this.places.has(source)),
    }));
    const { places, edges } = layOut(vertices);
    this.scene.show(this.cards(shown), places, edges);
    if (moved) this.scene.home();
    this.mark();
    this.describe(this.scene.chosen);
  }

  /** @param {number[]} shown @returns {Card[]} */
  cards(shown) {
    const marks = marksOf(this.moment === "level" ? [] : this.view.steps[this.step].rows);
    return shown.map((place) => {
      const node = this.view.nodes[place];
      const title = node.kernel || node.name.replace(/^dnn\./, "");
      const lines = [node.origins.join(", "), node.type + (node.loop > 1 ? ` × ${node.loop}` : "")];
      return { id: node.op, title, lines, kind: kindOf(node), mark: marks.get(place) ?? "", dim: !this.matches(node) };
    });
  }

  /** Says in the list and above the graph what is shown. */
  mark() {
    const { steps } = this.view;
    const step = steps[this.step];
    for (const element of byId("steps").querySelectorAll("button")) {
      const [at, level] = [element.dataset.step, element.dataset.level];
      const current = this.moment === "level" ? level === String(this.step) : at === String(this.step);
      element.setAttribute("aria-current", String(current));
    }
    byId("moment").hidden = this.moment === "level";
    for (const input of byId("moment").querySelectorAll("input")) input.checked = input.value === this.moment;
    const name = this.moment === "level" ? `level ${step.level}` : `${this.moment} ${step.name}`;
    byId("shown").textContent = `${name}: ${this.places.size} nodes`;
  }

  /** @param {string} words @returns {number} how many nodes have them */
  search(words) {
    this.words = words.toLowerCase();
    const shown = [...this.places.values()];
    for (const card of this.cards(shown)) this.scene.cards.set(card.id, card);
    this.scene.redraw();
    return words ? this.found().length : 0;
  }

  /** Goes to the next node that has the words. @param {number} [direction] */
  next(direction = 1) {
    const found = this.found();
    const at = found.indexOf(this.scene.chosen ?? -1);
    const next = found[(at + direction + found.length) % found.length];
    if (next !== undefined) this.scene.choose(next);
  }

  found() {
    return [...this.places].filter(([, place]) => this.matches(this.view.nodes[place])).map(([id]) => id);
  }

  /** @param {Node} node */
  matches({ name, type, origins, kernel }) {
    return !this.words || [name, type, kernel, ...origins].some((text) => text.toLowerCase().includes(this.words));
  }

  /** @param {number | undefined} id */
  describe(id) {
    const place = id === undefined ? undefined : this.places.get(id);
    const panel = byId("details");
    if (place === undefined) panel.replaceChildren(...this.changes());
    else panel.replaceChildren(...this.about(this.view.nodes[place]));
  }

  /** @param {Node} node */
  about(node) {
    const readers = [...this.places.values()].filter((place) => this.view.nodes[place].ins.includes(node.op));
    const sources = node.ins.map((op) => this.places.get(op)).filter((place) => place !== undefined);
    const loop = node.loop > 1 ? `${node.loop} times` : "";
    const parts = /** @type {HTMLElement[]} */ ([
      button(this.moment === "level" ? "‹ the level" : "‹ what the pass did", () => this.scene.choose(undefined)),
      make("h2", {}, node.name),
      terms([["ONNX nodes", node.origins.join(", ")], ["result", node.type], ["runs", loop]]),
      ...this.links("Reads from", sources),
      ...this.links("Is read by", readers),
    ]);
    if (node.kernel) parts.push(make("h3", {}, "Kernel"), button(node.kernel, () => this.openKernel(node.kernel)));
    if (node.text) parts.push(make("h3", {}, "IR"), make("pre", { tabindex: "0" }, node.text));
    return parts;
  }

  /** @param {string} title @param {number[]} places */
  links(title, places) {
    if (!places.length) return [];
    const links = places.slice(0, MOST_LINKS).map((place) => this.link(place));
    const rest = places.length - links.length;
    return [make("h3", {}, title), make("div", { class: "links" }, ...links, rest > 0 ? `and ${rest} more` : "")];
  }

  /** @param {number} place */
  link(place) {
    const node = this.view.nodes[place];
    const label = `${node.name.replace(/^dnn\./, "")} · ${node.origins[0] ?? node.type}`;
    return button(label, () => this.scene.choose(node.op));
  }

  /** A table of what the pass did, by the ONNX nodes that it did it to. */
  changes() {
    const { rows, name, level } = this.view.steps[this.step];
    const title = make("h2", {}, this.moment === "level" ? `Level ${level}` : name);
    const hint = make("p", {}, "Choose a node to read its IR. Arrow keys follow edges; + and − zoom; 0 shows all.");
    if (this.moment === "level") return [title, hint];
    if (!rows.length) return [title, make("p", {}, "It changed nothing."), hint];
    const lines = rows.slice(0, MOST_ROWS).map((row) => make("tr", {}, make("td", {}, row.origins.join(", ") || "none"), this.cell(row)));
    const rest = rows.length - lines.length;
    const heads = make("tr", {}, make("th", { scope: "col" }, "ONNX nodes"), make("th", { scope: "col" }, "what it did"));
    return [
      title,
      make("p", {}, ...countsOf(rows).map(([kind, text]) => make("span", { class: kind }, `${text} ${kind} `))),
      make("table", {}, make("thead", {}, heads), make("tbody", {}, ...lines)),
      rest > 0 ? make("p", {}, `and ${rest} more`) : "",
      hint,
    ];
  }

  /** @param {Row} row */
  cell({ removed, added, changed }) {
    const cell = make("td");
    const lists = /** @type {[string, number[]][]} */ ([
      ["removed", removed],
      ["added", added],
      ["changed", changed.map(([, after]) => after)],
    ]);
    for (const [kind, places] of lists) {
      for (const place of places) {
        const node = this.view.nodes[place];
        const name = node.name.replace(/^(dnn|kernel|tensor_layout)\./, "");
        const text = `${{ removed: "−", added: "+", changed: "~" }[kind] ?? ""} ${name} ${node.type}`;
        const line = make("div", { class: kind });
        line.append(this.places.has(node.op) ? button(text, () => this.scene.choose(node.op)) : text);
        cell.append(line);
      }
    }
    return cell;
  }
}

/** @param {Row[]} rows @returns {[string, string][]} kinds of change, and how many there are */
function countsOf(rows) {
  const sum = (/** @type {"removed" | "added" | "changed"} */ kind) =>
    rows.reduce((total, row) => total + row[kind].length, 0);
  const counts = /** @type {[string, string, number][]} */ ([
    ["removed", "−", sum("removed")],
    ["added", "+", sum("added")],
    ["changed", "~", sum("changed")],
  ]);
  return counts.filter(([, , count]) => count).map(([kind, sign, count]) => [kind, `${sign}${count}`]);
}

/** @param {Row[]} rows @returns {Map<number, string>} from nodes, before and after, to what happened to them */
function marksOf(rows) {
  /** @type {Map<number, string>} */
  const marks = new Map();
  for (const { removed, added, changed } of rows) {
    for (const place of removed) marks.set(place, "removed");
    for (const place of added) marks.set(place, "added");
    for (const place of changed.flat()) marks.set(place, "changed");
  }
  return marks;
}
