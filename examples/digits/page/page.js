/** @file The page: a drawing, the network on the backend that is chosen, and its answer as bars. */

import { Drawing } from "./drawing.js";
import { load } from "./model/runner/index.js";

const NAMES = {
  webgpu: "WebGPU",
  webgl2: "WebGL 2",
  webgl1: "WebGL 1",
  wasm: "WebAssembly",
  js: "JavaScript",
};

const byId = (id) => document.getElementById(id);
const [answer, bars, select, time] = ["answer", "bars", "backend", "time"].map(byId);
const rows = Array.from({ length: 10 }, (_, digit) => row(digit));

/** The backends that this browser has. */
const sessions = new Map();

const drawing = new Drawing(byId("canvas"), read);
let reading = false;
let again = false;
let examples = [];
let shown = -1;

byId("clear").addEventListener("click", () => drawing.clear());
byId("example").addEventListener("click", () => showExample());
select.addEventListener("change", read);

await start();

/** Loads the network on every backend; the first that works is the one to begin with. */
async function start() {
  const refused = [];
  for (const [name, title] of Object.entries(NAMES)) {
    const option = new Option(title, name);
    select.append(option);
    try {
      sessions.set(name, await load("model/", { backends: [name] }));
      if (sessions.size === 1) option.selected = true;
    } catch (error) {
      option.disabled = true;
      option.label = `${title} (not available)`;
      refused.push([title, error.message]);
    }
  }
  showRefusals(refused);
  select.disabled = sessions.size === 0;
  if (sessions.size === 0) answer.textContent = "No backend can run in this browser.";
  else read();
  document.body.dataset.state = "ready";
}

function showRefusals(refused) {
  byId("refusals").hidden = refused.length === 0;
  for (const [title, reason] of refused) byId("reasons").append(element("dt", title), element("dd", reason));
}

/** Reads what is drawn; what has been drawn in the meantime is read afterwards, once. */
async function read() {
  again = true;
  if (reading || sessions.size === 0) return;
  reading = true;
  while (again) {
    again = false;
    await readOnce();
  }
  reading = false;
}

async function readOnce() {
  const name = select.value;
  if (drawing.empty) return show(new Float32Array(10), "Draw a digit from 0 to 9.", "");
  try {
    const started = performance.now();
    const { probabilities } = await sessions.get(name).run({ image: drawing.image() });
    const passed = performance.now() - started;
    const best = probabilities.indexOf(Math.max(...probabilities));
    show(probabilities, `This looks like ${best}`, `${passed.toFixed(passed < 10 ? 2 : 0)} ms`);
  } catch (error) {
    show(new Float32Array(10), `${NAMES[name]} failed: ${error.message}`, "");
  }
}

function show(probabilities, text, duration) {
  const best = Math.max(...probabilities);
  rows.forEach(({ item, bar, percent }, digit) => {
    const share = probabilities[digit];
    bar.style.setProperty("--share", share);
    percent.textContent = `${(100 * share).toFixed(share > 0.0995 ? 0 : 1)} %`;
    item.classList.toggle("best", best > 0 && share === best);
  });
  if (answer.textContent !== text) answer.textContent = text;
  time.textContent = duration;
}

async function showExample() {
  if (examples.length === 0) examples = await (await fetch("test_digits.json")).json();
  shown = (shown + 1) % examples.length;
  drawing.show(Float32Array.from(examples[shown].pixels, (ink) => ink / 16));
}

function row(digit) {
  const [item, track, bar, percent] = [element("li"), element("span"), element("span"), element("span", "0 %")];
  [track.className, bar.className, percent.className] = ["track", "bar", "percent"];
  track.append(bar);
  item.append(element("span", digit), track, percent);
  bars.append(item);
  return { item, bar, percent };
}

function element(name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
