/** @file Runs the served bundle on random inputs, on the backend that is chosen, and shows times and values. */

import { load } from "./runner/index.js";

const RUNS = 10;
const SHOWN = 6;

const byId = (id) => document.getElementById(id);
const [button, select, status, rows] = ["run", "backend", "status", "rows"].map(byId);

button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    await runModel(select.value);
  } catch (error) {
    status.textContent = `${error.message ?? error}. ${error.hint ?? ""}`;
  }
  button.disabled = false;
});

/** @param {string} backend the name of one, or nothing for the first that works */
async function runModel(backend) {
  status.textContent = "Loading …";
  const onProgress = ({ stage, loaded, total }) => {
    status.textContent = `Loading ${stage}: ${loaded} of ${total}`;
  };
  const began = performance.now();
  const session = await load("model/", backend ? { backends: [backend], onProgress } : { onProgress });
  const loading = performance.now() - began;
  try {
    const inputs = Object.fromEntries(session.inputs.map((tensor) => [tensor.name, randomInput(tensor)]));
    const { outputs, times } = await timed(session, inputs);
    const refused = session.refusals.map(({ backend: name, reason }) => ` Refused: ${name}, ${reason}.`).join("");
    const [first, best] = [times[0], Math.min(...times)].map((time) => time.toFixed(2));
    status.textContent =
      `${session.backend}: loaded in ${loading.toFixed(0)} ms, ` +
      `first run ${first} ms, best of ${RUNS} ${best} ms.${refused}`;
    showTensors(session, { ...inputs, ...outputs });
  } finally {
    await session.dispose();
  }
}

async function timed(session, inputs) {
  const times = [];
  let outputs = {};
  for (let i = 0; i < RUNS; i++) {
    const began = performance.now();
    outputs = await session.run(inputs);
    times.push(performance.now() - began);
  }
  return { outputs, times };
}

function showTensors({ inputs, outputs }, values) {
  rows.replaceChildren();
  for (const { name, type, shape } of [...inputs, ...outputs]) {
    const row = rows.insertRow();
    const found = values[name];
    const first = [...found.subarray(0, SHOWN)].map((x) => (typeof x === "bigint" ? String(x) : x.toPrecision(5)));
    row.insertCell().textContent = name;
    row.insertCell().textContent = `${type} [${shape.join(", ")}]`;
    row.insertCell().textContent = first.join(", ") + (found.length > SHOWN ? ", …" : "");
  }
  byId("tensors").hidden = false;
}

/** Floats from -1 to 1; integers and booleans are 0 or 1, which are indices too. Raw bits of halves are of 0 and 1. */
function randomInput({ type, shape }) {
  const length = shape.reduce((product, extent) => product * extent, 1);
  const bit = () => Math.round(Math.random());
  switch (type) {
    case "f32":
      return Float32Array.from({ length }, () => 2 * Math.random() - 1);
    case "f64":
      return Float64Array.from({ length }, () => 2 * Math.random() - 1);
    case "f16":
      return Uint16Array.from({ length }, () => bit() * 0x3c00);
    case "bf16":
      return Uint16Array.from({ length }, () => bit() * 0x3f80);
    case "i64":
      return BigInt64Array.from({ length }, () => BigInt(bit()));
    case "u64":
      return BigUint64Array.from({ length }, () => BigInt(bit()));
    default:
      return INTEGERS[type].from({ length }, bit);
  }
}

const INTEGERS = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  bool: Uint8Array,
};

const manifest = await (await fetch("model/model.json")).json();
byId("name").textContent = document.title = manifest.name;
