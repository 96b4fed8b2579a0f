/** @file Calls the kernels of an instrumented module one by one, in complete runs, and notes the time between them. */

import { encode, fetchBytes, pause } from "./transfer.js";

const WARM_UP = { runs: 10, milliseconds: 2000 };
const TIMED = { runs: 50, milliseconds: 4000 };

const PEAK_CALL = 2;
const PEAK_CALLS = 40;

/**
 * Answers the times in every run at which its kernels begin, the last one's end, the outputs and the peaks.
 * @param {{
 *   module: string,
 *   pages: number,
 *   weights: { url: string, address: number }[],
 *   inputs: { url: string, address: number }[],
 *   outputs: { address: number, bytes: number }[],
 *   load: { kernel: string, arguments: number[] }[],
 *   calls: { kernel: string, arguments: number[] }[],
 *   peaks: { url: string, operations: number }[],
 * }} plan
 */
export async function profile(plan) {
  const memory = new WebAssembly.Memory({ initial: plan.pages, maximum: plan.pages });
  const bytes = new Uint8Array(memory.buffer);
  const place = async ({ url, address }) => bytes.set(await fetchBytes(url), address);
  await Promise.all(plan.weights.map(place));
  const { exports } = await instance(plan.module, { webdnn: { memory } });
  for (const { kernel, arguments: given } of plan.load) exports[kernel](...given);
  const calls = plan.calls.map(({ kernel, arguments: given }) => exports[kernel].bind(undefined, ...given));
  const inputs = await Promise.all(
    plan.inputs.map(async ({ url, address }) => ({ content: await fetchBytes(url), address })),
  );
  const run = () => {
    for (const { content, address } of inputs) bytes.set(content, address);
    return stamps(calls);
  };
  const before = await operationsPerSecond(plan.peaks);
  await repeated(run, WARM_UP);
  const runs = await repeated(run, TIMED);
  const outputs = plan.outputs.map((range) => encode(bytes.slice(range.address, range.address + range.bytes)));
  return { runs, outputs, peak: Math.max(before, await operationsPerSecond(plan.peaks)) };
}

function stamps(calls) {
  const times = new Float64Array(calls.length + 1);
  const begin = performance.now();
  for (let i = 0; i < calls.length; i++) {
    calls[i]();
    times[i + 1] = performance.now() - begin;
  }
  return Array.from(times);
}

async function repeated(run, { runs, milliseconds }) {
  const found = [];
  const begin = performance.now();
  while (found.length < runs && performance.now() - begin < milliseconds) {
    await pause();
    found.push(run());
  }
  return found;
}

async function instance(url, imports) {
  return (await WebAssembly.instantiate(await fetchBytes(url), imports)).instance;
}

async function operationsPerSecond(peaks) {
  let best = 0;
  for (const { url, operations } of peaks) {
    const { run } = (await instance(url, {})).exports;
    let count = 1000;
    for (let i = 0; i < PEAK_CALLS; i++) {
      const begin = performance.now();
      run(count, 1, 0);
      const time = performance.now() - begin;
      if (time < PEAK_CALL) count *= 2;
      else best = Math.max(best, (count * operations) / (time / 1000));
    }
    await pause();
  }
  return best;
}
