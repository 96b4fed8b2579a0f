/** @file Times several engines on one model: alternated sample by sample, inputs and outputs copied in every run. */

import { madeSince, remembered } from "./memories.js";
import { encode, fetchBytes, pause } from "./transfer.js";
import { arrayOver } from "/runner/tensors.js";

/** Milliseconds: a sample of a fast model is several runs, for the clock has steps of 5 µs. */
const SHORTEST_SAMPLE = 0.5;
const MOST_RUNS_OF_A_SAMPLE = 200;
const FEWEST_SAMPLES = 3;

/** Until an engine has had so many runs and so much time: all of its code is compiled then, by the better compiler. */
const WARM_UP = { runs: 10, shortest: 100, longest: 2000, samples: 200 };

/**
 * @typedef {{ name: string, type: string, shape: number[] }} Tensor
 * @typedef {{ name: string, script: string, options: object }} Request
 * @typedef {{ inputs: (Tensor & { url: string })[], outputs: Tensor[] }} Model
 * @typedef {{ version: string, device?: string, run: () => Promise<ArrayBufferView[]>, dispose: () => unknown }} Engine
 */

/**
 * Answers, for every engine, either why it failed or its times in milliseconds and its first and last outputs.
 * An engine whose samples took `budget` milliseconds together is sampled no more, once it has three; a sample is as
 * many runs as take `shortest` milliseconds.
 * @param {{ model: Model, engines: Request[], rounds: number, budget?: number, shortest?: number }} plan
 */
export async function measure({ model, engines, rounds, budget = Infinity, shortest = SHORTEST_SAMPLE }) {
  performance.setResourceTimingBufferSize(10_000);
  const values = await Promise.all(
    model.inputs.map(async ({ type, url }) => arrayOver(type, (await fetchBytes(url)).buffer)),
  );
  const lanes = [];
  for (const request of engines) lanes.push(await started(request, model, values));
  await alternate(lanes, rounds, budget, shortest);
  return Promise.all(lanes.map(finished));
}

/** Loads an engine and runs it once; nothing else runs meanwhile. */
async function started({ name, script, options }, model, values) {
  const lane = { name, warm: [], times: [], runs: 0, spent: 0, batch: 1 };
  performance.clearResourceTimings();
  const before = remembered();
  await pause();
  try {
    const begin = performance.now();
    const { create } = await import(script);
    lane.engine = await create({ ...options, model, values });
    const loaded = performance.now();
    const first = await lane.engine.run();
    Object.assign(lane, { load: loaded - begin, first: performance.now() - loaded, outputs: first.map(encode) });
    lane.memories = madeSince(before);
    lane.urls = performance.getEntriesByType("resource").map((entry) => entry.name);
  } catch (error) {
    failed(lane, error);
  }
  return lane;
}

/** Warms all engines up, then takes up to `rounds` samples of each; who begins changes from round to round. */
async function alternate(lanes, rounds, budget, shortest) {
  while (lanes.some(isCold)) {
    for (const lane of lanes.filter(isCold)) {
      await sampled(lane, lane.warm);
      lane.batch = batchOf(lane.warm, shortest);
    }
  }
  for (const lane of lanes) lane.spentWarm = lane.spent;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[(round + i) % lanes.length];
      if (round < FEWEST_SAMPLES || lane.spent - lane.spentWarm < budget) await sampled(lane, lane.times);
    }
  }
}

function isCold({ failure, runs, spent, warm }) {
  if (failure || spent >= WARM_UP.longest || warm.length >= WARM_UP.samples) return false;
  return runs < WARM_UP.runs || spent < WARM_UP.shortest;
}

/** How many runs make a sample of `shortest` milliseconds, from the later half of the samples so far. */
function batchOf(warm, shortest) {
  const late = warm.slice(warm.length >> 1);
  const mean = late.reduce((sum, time) => sum + time, 0) / late.length;
  return Math.max(1, Math.min(Math.ceil(shortest / mean), MOST_RUNS_OF_A_SAMPLE)) || 1;
}

async function sampled(lane, times) {
  if (lane.failure) return;
  // Threads of another engine that still wait for work in a loop have time to fall asleep.
  await pause();
  try {
    const begin = performance.now();
    for (let i = 0; i < lane.batch; i++) lane.last = await lane.engine.run();
    const time = performance.now() - begin;
    times.push(time / lane.batch);
    lane.runs += lane.batch;
    lane.spent += time;
  } catch (error) {
    failed(lane, error);
  }
}

async function finished(lane) {
  const { name, engine, failure = "", load = 0, first = 0, times, outputs = [], last = [], urls = [] } = lane;
  const { version = "", device = "" } = engine ?? {};
  const memory = (lane.memories ?? []).reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  await engine?.dispose();
  return { name, version, device, failure, load, first, times, urls, memory, outputs: [outputs, last.map(encode)] };
}

function failed(lane, error) {
  lane.failure = [error?.message ?? String(error), error?.hint].filter(Boolean).join("; ");
}
