/** @file Joins the page: tabs, the search box, and the three views. */

import { byId, readData } from "./data.js";
import { GraphView } from "./graph.js";
import { KernelsView } from "./kernels.js";
import { MemoryView } from "./memory.js";

const view = await readData();
const kernels = new KernelsView(view);
const memory = view.plan && new MemoryView(view.plan, openKernel);
const graph = view.steps.length ? new GraphView(view, openKernel) : null;
const views = /** @type {Record<string, { search: (words: string) => number } | null>} */ ({ graph, memory, kernels });
const tabs = [...document.querySelectorAll("[role=tab]")].filter((tab) => tab instanceof HTMLElement);
const search = byId("search");
if (!(search instanceof HTMLInputElement)) throw new Error("the search box is none");
let shown = "";

document.title = `${view.name} · WebDNN`;
byId("title").textContent = view.name;
byId("summary").textContent = `${view.target}, ${view.kernels.length} kernels, ${view.producer}`;
byId("remark").textContent = view.remark;
byId("remark").hidden = !view.remark;

/** @param {string} name */
function open(name) {
  shown = name;
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab.dataset.view === name));
    tab.tabIndex = tab.dataset.view === name ? 0 : -1;
    byId(tab.dataset.view ?? "").hidden = tab.dataset.view !== name;
  }
  if (name === "memory") memory?.draw();
  find();
}

/** @param {string} kernel */
function openKernel(kernel) {
  if (search instanceof HTMLInputElement) search.value = "";
  open("kernels");
  kernels.choose(kernel);
}

function find() {
  const words = search instanceof HTMLInputElement ? search.value.trim() : "";
  const count = views[shown]?.search(words) ?? 0;
  byId("hits").textContent = words ? `${count} found` : "";
}

for (const tab of tabs) {
  const name = tab.dataset.view ?? "";
  tab.hidden = !views[name];
  tab.addEventListener("click", () => open(name));
}
byId("search").addEventListener("input", find);
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && shown === "graph") graph?.next(event.shiftKey ? -1 : 1);
});
document.addEventListener("keydown", (event) => {
  const writing = event.target instanceof HTMLInputElement && event.target.type === "search";
  if (event.key === "/" && !writing) {
    event.preventDefault();
    byId("search").focus();
  }
  const at = tabs.findIndex((tab) => tab === event.target);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (at < 0 || !step) return;
  const open = tabs.filter((tab) => !tab.hidden);
  const next = open[(open.indexOf(tabs[at]) + step + open.length) % open.length];
  next.focus();
  next.click();
});

open(graph ? "graph" : "kernels");
if (graph) graph.show(view.steps.findLastIndex(({ level }) => level === "dnn"), "level");
document.documentElement.dataset.ready = "true";
