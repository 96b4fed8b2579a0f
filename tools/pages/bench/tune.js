/** @file Calls one kernel under several schedules in turn, each on buffers of its own, and compares what they compute. */

import { fetchBytes, pause } from "./transfer.js";

/** Milliseconds; a sample is as many calls as take so long. */
const SAMPLE = 1;
const MOST_CALLS = 4096;

/** How far results may lie apart, as a part of the largest: sums in another order. */
const TOLERANCE = 1e-4;

const ARRAYS = { f32: Float32Array, f64: Float64Array };

/**
 * Answers for each schedule whether it computes what the first one does, and the milliseconds of a call in each round.
 * @param {{
 *   module: string,
 *   count: number,
 *   pages: number,
 *   sets: number[],
 *   buffers: { offset: number, bytes: number, type: string, read: boolean, written: boolean }[],
 *   counters: number,
 *   rounds: number,
 * }} plan
 */
export async function tune(plan) {
  const memory = new WebAssembly.Memory({ initial: plan.pages, maximum: plan.pages });
  const { instance } = await WebAssembly.instantiate(await fetchBytes(plan.module), { webdnn: { memory } });
  const places = plan.sets.map((base) => plan.buffers.map(({ offset }) => base + offset));
  const counters = Array(plan.counters).fill(0);
  const fill = (set, chosen) => plan.buffers.forEach((it, i) => chosen(it) && write(memory, places[set][i], it, i));
  for (let set = 0; set < places.length; set++) fill(set, () => true);
  const lanes = Array.from({ length: plan.count }, (_, i) => {
    const call = instance.exports[i];
    return { call: (set) => call(...places[set], ...counters), times: [], batch: 1, turn: 0 };
  });
  const results = lanes.map(({ call }) => {
    fill(0, () => true);
    call(0);
    return plan.buffers.flatMap((it, i) => (it.written ? [read(memory, places[0][i], it)] : []));
  });
  const refill = plan.buffers.some(({ read, written }) => read && written);
  for (const lane of lanes) calibrate(lane, places.length);
  for (let round = 0; round < plan.rounds; round++) {
    for (let i = 0; i < lanes.length; i++) {
      if (refill) for (let set = 0; set < places.length; set++) fill(set, ({ written }) => written);
      const lane = lanes[(round + i) % lanes.length];
      lane.times.push(sample(lane, places.length));
    }
    await pause();
  }
  return lanes.map(({ times }, i) => ({ times, agrees: agree(results[0], results[i]) }));
}

/** Settles how many calls make a sample. */
function calibrate(lane, sets) {
  for (;;) {
    const time = sample(lane, sets) * lane.batch;
    if (time >= SAMPLE || lane.batch >= MOST_CALLS) return;
    lane.batch = Math.min(MOST_CALLS, Math.ceil(lane.batch * Math.min(8, Math.max(1.5, (1.1 * SAMPLE) / time))));
  }
}

/** The milliseconds of a call, over a batch of them. */
function sample(lane, sets) {
  const begin = performance.now();
  for (let i = 0; i < lane.batch; i++) lane.call(lane.turn++ % sets);
  return (performance.now() - begin) / lane.batch;
}

/** Fills a buffer with numbers that look random, the same each time. */
function write(memory, address, { bytes, type }, seed) {
  let state = (seed + 1) * 2654435761;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8;
  const Floats = ARRAYS[type];
  if (Floats) {
    const array = new Floats(memory.buffer, address, bytes / Floats.BYTES_PER_ELEMENT);
    for (let i = 0; i < array.length; i++) array[i] = next() / 2 ** 23 - 1;
    return;
  }
  // Halves from 1/2 to 1; of whole numbers small ones, which are good indices too.
  const array = new Uint8Array(memory.buffer, address, bytes);
  const size = /\d+/.exec(type) ? Math.max(1, Number(/\d+/.exec(type)[0]) / 8) : 1;
  for (let i = 0; i < bytes; i++) array[i] = i % size === 0 ? next() & 1 : 0;
  if (type === "f16") for (let i = 0; i + 1 < bytes; i += 2) [array[i], array[i + 1]] = [next() & 255, 0x38];
}

function read(memory, address, { bytes, type }) {
  const copy = memory.buffer.slice(address, address + bytes);
  return new (ARRAYS[type] ?? Uint8Array)(copy);
}

function agree(expected, found) {
  return expected.every((array, i) => {
    const largest = array.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0);
    const close = (a, b) => Object.is(a, b) || a === b || Math.abs(a - b) <= TOLERANCE * largest;
    return array.every((value, j) => close(value, found[i][j]));
  });
}
