/** @file What the tests of threads do in a page. */

import { load } from "/runner/index.js";

/** Numbers that repeat from page to page. */
function inputsOf(session) {
  let state = 1;
  const next = () => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff - 0.5;
  const lengthOf = ({ shape }) => shape.reduce((product, extent) => product * extent, 1);
  return Object.fromEntries(session.inputs.map((t) => [t.name, Float32Array.from({ length: lengthOf(t) }, next)]));
}

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function same(found, expected) {
  return Object.keys(expected).every((name) => {
    const [a, b] = [bytesOf(found[name]), bytesOf(expected[name])];
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  });
}

/** Sessions of one thread and of more, all alive at once: how many runs of each differ from the first of one thread. */
export async function compare(url, counts, runs) {
  const sessions = [];
  for (const threads of counts) sessions.push(await load(url, { backends: ["wasm"], threads }));
  const inputs = inputsOf(sessions[0]);
  const expected = await sessions[0].run(inputs);
  const wrong = sessions.map(() => 0);
  const repeat = async (i, times) => {
    for (let n = 0; n < times; n++) if (!same(await sessions[i].run(inputs), expected)) wrong[i]++;
  };
  for (let i = 1; i < sessions.length; i++) await repeat(i, runs);
  await Promise.all(sessions.map((_, i) => repeat(i, Math.ceil(runs / 10))));
  await Promise.all(sessions.map((session) => session.dispose()));
  return { threads: sessions.map((session) => session.threads), wrong, finite: Object.values(expected)[0].every(Number.isFinite) };
}

/** Loads with a number of threads, and runs twice: what comes of each. */
export async function attempt(url, threads) {
  const session = await load(url, { backends: ["wasm"], threads });
  const outcomes = [];
  for (let i = 0; i < 2; i++) {
    outcomes.push(await session.run(inputsOf(session)).then(() => "computed", (error) => error.message));
  }
  await session.dispose();
  return { threads: session.threads, outcomes };
}

/** Loads as a page does that says nothing of threads. */
export async function byDefault(url) {
  const session = await load(url, { backends: ["wasm"], warmUp: true });
  await session.dispose();
  return { threads: session.threads, processors: navigator.hardwareConcurrency };
}
