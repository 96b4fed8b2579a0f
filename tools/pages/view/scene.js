/** @file Draws a laid-out graph on a canvas, only what is in sight, and lets it be moved, zoomed and followed. */

import { HEIGHT, WIDTH } from "./layout.js";

const LEAST_SCALE = 0.008;
const MOST_SCALE = 3;
const TEXT_SCALE = 0.42;
const LINE_SCALE = 0.15;
const CORNER = 6;
const PADDING = 10;

/**
 * @typedef {{ id: number, title: string, lines: string[], kind: string, mark: string, dim: boolean }} Card
 * @typedef {import("./layout.js").Point} Point
 * @typedef {import("./layout.js").Edge} Edge
 */

export class Scene {
  /** @param {HTMLCanvasElement} canvas @param {(id: number | undefined) => void} onChoose */
  constructor(canvas, onChoose) {
    const context = canvas.getContext("2d");
    if (!context) throw new Error("this browser has no 2D canvas");
    this.canvas = canvas;
    this.context = context;
    this.onChoose = onChoose;
    /** @type {Map<number, Card>} */
    this.cards = new Map();
    /** @type {Map<number, Point>} */
    this.places = new Map();
    /** @type {Edge[]} */
    this.edges = [];
    /** @type {number | undefined} */
    this.chosen = undefined;
    this.view = { x: 0, y: 0, scale: 1 };
    this.waiting = false;
    this.listen();
  }

  /** @param {Card[]} cards @param {Map<number, Point>} places @param {Edge[]} edges */
  show(cards, places, edges) {
    this.cards = new Map(cards.map((card) => [card.id, card]));
    this.places = places;
    this.edges = edges;
    if (this.chosen !== undefined && !this.cards.has(this.chosen)) this.chosen = undefined;
    this.redraw();
  }

  /** Shows the beginning at a size that can be read. */
  home() {
    const first = [...this.places.values()].reduce((a, b) => (b.y < a.y ? b : a), { x: 0, y: Infinity });
    const { clientHeight } = this.canvas;
    this.view = { x: first.x, y: (Number.isFinite(first.y) ? first.y : 0) + clientHeight / 2 - HEIGHT, scale: 1 };
    this.redraw();
  }

  fit() {
    const points = [...this.places.values()];
    if (!points.length) return;
    const xs = points.map((point) => point.x);
    const ys = points.map((point) => point.y);
    const [left, right, top, bottom] = [least(xs) - WIDTH, most(xs) + WIDTH, least(ys) - HEIGHT, most(ys) + HEIGHT];
    const { clientWidth, clientHeight } = this.canvas;
    const scale = Math.min(1, clientWidth / (right - left), clientHeight / (bottom - top));
    this.view = { x: (left + right) / 2, y: (top + bottom) / 2, scale };
    this.redraw();
  }

  /** @param {number | undefined} id @param {boolean} [follow] move there */
  choose(id, follow = true) {
    this.chosen = id;
    const place = id === undefined ? undefined : this.places.get(id);
    if (place && follow) this.view = { ...place, scale: Math.max(this.view.scale, 0.7) };
    this.redraw();
    this.onChoose(id);
  }

  /** @param {number} factor @param {number} [x] in pixels of the canvas, what stays where it is @param {number} [y] */
  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const scale = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, this.view.scale * factor));
    const [dx, dy] = [x - this.canvas.clientWidth / 2, y - this.canvas.clientHeight / 2];
    const change = 1 / this.view.scale - 1 / scale;
    this.view = { x: this.view.x + dx * change, y: this.view.y + dy * change, scale };
    this.redraw();
  }

  listen() {
    const { canvas } = this;
    new ResizeObserver(() => this.redraw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.ctrlKey || !event.shiftKey) this.zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
      else this.move(event.deltaX || event.deltaY, 0);
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    let moved = 0;
    canvas.addEventListener("pointerdown", (event) => {
      moved = 0;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      moved += Math.abs(event.movementX) + Math.abs(event.movementY);
      this.move(-event.movementX, -event.movementY);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (moved < 4) this.choose(this.find(event.offsetX, event.offsetY), false);
    });
  }

  /** @param {number} x @param {number} y in pixels */
  move(x, y) {
    this.view = { ...this.view, x: this.view.x + x / this.view.scale, y: this.view.y + y / this.view.scale };
    this.redraw();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const act = {
      "+": () => this.zoom(1.25),
      "=": () => this.zoom(1.25),
      "-": () => this.zoom(0.8),
      0: () => this.fit(),
      Home: () => this.home(),
      Escape: () => this.choose(undefined),
      ArrowDown: () => this.follow((edge, id) => (edge.from === id ? edge.to : undefined)),
      ArrowUp: () => this.follow((edge, id) => (edge.to === id ? edge.from : undefined)),
      ArrowRight: () => this.beside(1),
      ArrowLeft: () => this.beside(-1),
    }[event.key];
    if (!act || event.metaKey || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    act();
  }

  /** Along the first edge that leads on. @param {(edge: Edge, id: number) => number | undefined} next */
  follow(next) {
    const { chosen } = this;
    if (chosen === undefined) return this.choose([...this.places.keys()][0]);
    const target = this.edges.map((edge) => next(edge, chosen)).find((id) => id !== undefined);
    if (target !== undefined) this.choose(target);
  }

  /** The next node at the same height. @param {number} direction */
  beside(direction) {
    const place = this.chosen === undefined ? undefined : this.places.get(this.chosen);
    if (!place) return;
    const row = [...this.places].filter(([, it]) => it.y === place.y && (it.x - place.x) * direction > 0);
    row.sort(([, a], [, b]) => (a.x - b.x) * direction);
    if (row[0]) this.choose(row[0][0]);
  }

  /** @param {number} x @param {number} y in pixels of the canvas */
  find(x, y) {
    const { clientWidth, clientHeight } = this.canvas;
    const at = {
      x: (x - clientWidth / 2) / this.view.scale + this.view.x,
      y: (y - clientHeight / 2) / this.view.scale + this.view.y,
    };
    const hit = [...this.places].find(
      ([, place]) => Math.abs(place.x - at.x) < WIDTH / 2 && Math.abs(place.y - at.y) < HEIGHT / 2,
    );
    return hit?.[0];
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw() {
    const { canvas, context, view } = this;
    const [width, height, pixels] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
    if (canvas.width !== Math.round(width * pixels)) canvas.width = Math.round(width * pixels);
    if (canvas.height !== Math.round(height * pixels)) canvas.height = Math.round(height * pixels);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const zoom = view.scale * pixels;
    context.setTransform(zoom, 0, 0, zoom, (width / 2) * pixels - view.x * zoom, (height / 2) * pixels - view.y * zoom);
    const [w, h] = [width / 2 / view.scale, height / 2 / view.scale];
    const sight = { left: view.x - w, right: view.x + w, top: view.y - h, bottom: view.y + h };
    const color = colors(canvas);
    for (const edge of this.edges) this.drawEdge(edge, sight, color);
    for (const [id, place] of this.places) {
      if (place.y + HEIGHT < sight.top || place.y - HEIGHT > sight.bottom) continue;
      if (place.x + WIDTH < sight.left || place.x - WIDTH > sight.right) continue;
      const card = this.cards.get(id);
      if (card) this.drawCard(card, place, color);
    }
  }

  /** @param {Edge} edge @param {{ left: number, right: number, top: number, bottom: number }} sight @param {(name: string) => string} color */
  drawEdge({ from, to, points }, sight, color) {
    const { context, chosen } = this;
    const marked = chosen !== undefined && (from === chosen || to === chosen);
    if (points[points.length - 1][1] < sight.top || points[0][1] > sight.bottom) return;
    context.beginPath();
    for (let i = 1; i < points.length; i++) {
      const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
      if (y1 < sight.top || y0 > sight.bottom) continue;
      const begin = y0 + (i === 1 ? HEIGHT / 2 : 0);
      const end = y1 - (i === points.length - 1 ? HEIGHT / 2 : 0);
      const middle = (begin + end) / 2;
      context.moveTo(x0, begin);
      context.bezierCurveTo(x0, middle, x1, middle, x1, end);
    }
    context.strokeStyle = color(marked ? "--accent" : "--edge");
    context.lineWidth = Math.max(marked ? 2.5 : 1.2, (marked ? 1.5 : 0.4) / this.view.scale);
    context.stroke();
  }

  /** @param {Card} card @param {Point} place @param {(name: string) => string} color */
  drawCard(card, place, color) {
    const { context, view } = this;
    const [x, y] = [place.x - WIDTH / 2, place.y - HEIGHT / 2];
    context.globalAlpha = card.dim ? 0.25 : 1;
    context.beginPath();
    context.roundRect(x, y, WIDTH, HEIGHT, CORNER);
    context.fillStyle = color(card.mark && view.scale < TEXT_SCALE ? `--${card.mark}` : `--${card.kind}`);
    context.fill();
    const chosen = card.id === this.chosen;
    context.strokeStyle = color(chosen ? "--accent" : card.mark ? `--${card.mark}` : "--line");
    context.lineWidth = chosen ? Math.max(2.5, 2 / view.scale) : card.mark ? 2.5 : 1;
    if (chosen || view.scale > LINE_SCALE) context.stroke();
    if (view.scale >= TEXT_SCALE) {
      context.textBaseline = "middle";
      context.fillStyle = color("--ink");
      context.font = "600 13px system-ui, sans-serif";
      context.fillText(fitted(context, card.title), x + PADDING, y + 14);
      context.font = "12px system-ui, sans-serif";
      context.fillStyle = color("--faint");
      card.lines.slice(0, 2).forEach((line, i) => context.fillText(fitted(context, line), x + PADDING, y + 31 + 15 * i));
    }
    context.globalAlpha = 1;
  }
}

/** @param {number[]} values */
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
/** @param {number[]} values */
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

/** The colours of the style sheet, each read once a frame. @param {Element} element */
function colors(element) {
  const style = getComputedStyle(element);
  /** @type {Map<string, string>} */
  const known = new Map();
  return (/** @type {string} */ name) => {
    let found = known.get(name);
    if (found === undefined) known.set(name, (found = resolved(style.getPropertyValue(name), style.colorScheme)));
    return found;
  };
}

/** A canvas does not know light-dark(). @param {string} value @param {string} scheme */
function resolved(value, scheme) {
  const pair = /light-dark\(([^,]+),([^)]+)\)/.exec(value);
  if (!pair) return value.trim();
  const dark = scheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;
  return pair[dark ? 2 : 1].trim();
}

/** As much of a text as a card has room for. @param {CanvasRenderingContext2D} context @param {string} text */
function fitted(context, text) {
  const room = WIDTH - 2 * PADDING;
  if (context.measureText(text).width <= room) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
}
