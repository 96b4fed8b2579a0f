/** @file Times the variants of kernels on the device that a session has, and launches those that are the fastest. */

import { keep, read } from "./webgpu_choices.js";
import { dispatch, variantsOf } from "./webgpu_kernels.js";

/** @import { Bundle } from "../bundle.js" */
/** @import { Pause } from "../internal.js" */
/** @import { Variant, WebGpu } from "../manifest.js" */
/** @import { Device } from "./webgpu_device.js" */
/** @import { Layouts, Step } from "./webgpu_kernels.js" */

/**
 * What is tuned: a bundle, its section as it is launched, the steps of a run, and how many runs were begun.
 * @typedef {{ bundle: Bundle, launched: WebGpu, layouts: Layouts, device: Device, steps: Step[], runs: () => number,
 * }} Subject
 */
/**
 * A kernel that has variants, with all steps of it; the first variant is that which is launched, by pipeline `current`.
 * @typedef {{ entry: string, current: number, layout: GPUPipelineLayout, variants: Variant[], steps: Step[] }} Kernel
 */
/** @typedef {{ name: string, step: Step, count: number, time: number }} Timed how long each of `count` launches takes */
/** @typedef {(step: Step, count: number) => Promise<number>} Measure gives milliseconds of so many launches */

/** Milliseconds of launches in a row that can be told apart: timestamps are rounded to 0.1, and fences come late. */
const LEAST = { timestamps: 4, fences: 8 };

/** Launches in a row at most. */
const MOST = 256;

/** Milliseconds of a launch whose other variants are not tried: one may take as long as a system lets a GPU take. */
const LONG = 50;

/** How often each variant is timed again: its shortest time is its own, and what it took longer is noise. */
const ROUNDS = 3;

/** A variant that takes so many times as long as another is not timed again. */
const HOPELESS = 2;

/** The share of the time of what is launched in which another variant has to be done to be launched instead. */
const ENOUGH = 0.9;

/** How often in a row a run may come between before the rest is left for another session. */
const PATIENCE = 20;

/**
 * Times one variant at a time, in moments that are to spare. The launches write where runs write, which no run reads
 * before it has written it anew, so that they need no memory of their own.
 * @param {Subject} subject
 * @param {Pause} pause
 */
export async function tune(subject, pause) {
  const stopwatch = new Stopwatch(subject.device);
  try {
    // They come from the browser's cache, mostly; to keep them for this would cost every page memory.
    const texts = await subject.bundle.texts(subject.launched.sources);
    for (const kernel of kernelsOf(subject)) {
      await exclusively(pause, () => choose({ ...subject, texts }, kernel, stopwatch, pause));
    }
  } finally {
    stopwatch.dispose();
  }
}

/**
 * Sessions that time at once would disturb one another, and those of one bundle find the same.
 * @param {Pause} pause
 * @param {() => Promise<void>} action
 */
async function exclusively({ signal }, action) {
  if (!globalThis.navigator?.locks) return action();
  await navigator.locks.request("webdnn-tuning", { signal }, action);
}

/**
 * @param {Subject} subject
 * @returns {Iterable<Kernel>}
 */
function kernelsOf({ bundle, launched, layouts, device, steps }) {
  const section = /** @type {WebGpu} */ (bundle.manifest.backends.webgpu);
  /** @type {Map<number, Kernel>} */
  const kernels = new Map();
  for (const step of steps) {
    const launch = section.dispatches[step.launch];
    const known = kernels.get(launch.pipeline);
    known?.steps.push(step);
    if (known || !launch.variant) continue;
    const { entry } = section.pipelines[launch.pipeline];
    const current = launched.dispatches[step.launch].pipeline;
    const layout = layouts.of(current).pipeline;
    const launchedFirst = (/** @type {Variant} */ a, /** @type {Variant} */ b) =>
      Number(b.pipeline === current) - Number(a.pipeline === current);
    const variants = variantsOf(launch, device).sort(launchedFirst);
    kernels.set(launch.pipeline, { entry, current, layout, variants, steps: [step] });
  }
  return kernels.values();
}

/**
 * Has the variant of a kernel launched from now on that another session has chosen, or that is the fastest.
 * @param {Subject & { texts: string[] }} subject
 * @param {Kernel} kernel
 * @param {Stopwatch} stopwatch
 * @param {Pause} pause
 */
async function choose(subject, kernel, stopwatch, pause) {
  const { bundle, device } = subject;
  const known = (await read(bundle, subject)).get(kernel.entry);
  const kept = kernel.variants.find(({ name }) => name === known);
  /** @type {Omit<Timed, "count" | "time">[]} */
  const found = [];
  for (const variant of kept ? [kept] : kernel.variants) {
    const step = await stepOf(subject, kernel, variant);
    if (step) found.push({ name: variant.name, step });
  }
  /** @type {Measure} */
  const measure = (step, count) => undisturbed(() => stopwatch.milliseconds(step, count), subject, pause);
  const chosen = kept ? found[0] : await fastestOf(found, measure, stopwatch.least);
  if (!chosen) return;
  const { pipeline, groups } = chosen.step;
  for (const step of kernel.steps) Object.assign(step, { pipeline, groups });
  if (!kept) await keep(bundle, device, kernel.entry, chosen.name);
}

/**
 * @param {Subject & { texts: string[] }} subject
 * @param {Kernel} kernel
 * @param {Variant} variant
 * @returns {Promise<Step | undefined>} a launch of the variant; none if the device does not compile it
 */
async function stepOf({ launched, texts, device }, { current, layout, steps: [step] }, { pipeline, groups }) {
  if (pipeline === current) return step;
  const { source, entry } = launched.pipelines[pipeline];
  try {
    const [compiled, checked] = device.begin(() => {
      const module = device.gpu.createShaderModule({ code: texts[source] });
      return device.gpu.createComputePipelineAsync({ layout, compute: { module, entryPoint: entry } });
    });
    const [made] = await Promise.all([compiled, checked]);
    return { ...step, pipeline: made, groups };
  } catch {
    return undefined;
  }
}

/**
 * @param {ReadonlyArray<{ name: string, step: Step }>} variants that which is launched first: it is known to do no harm
 * @param {Measure} measure
 * @param {number} least milliseconds that can be told apart
 * @returns {Promise<Timed>} the first, unless another is faster by more than what is left of noise
 */
async function fastestOf(variants, measure, least) {
  /** @type {Timed[]} */
  const timed = [];
  for (const { name, step } of variants) {
    await measure(step, 1); // The first launch sets things up.
    let count = 1;
    let taken = await measure(step, count);
    while (taken < least && count < MOST) taken = await measure(step, (count *= 2));
    timed.push({ name, step, count, time: taken / count });
    if (timed[0].time > LONG) return timed[0];
  }
  const best = () => timed.reduce((a, b) => (b.time < a.time ? b : a));
  const hopeful = timed.filter(({ time }) => time <= HOPELESS * best().time);
  // In turn, since a GPU that has slept becomes faster.
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of hopeful) one.time = Math.min(one.time, (await measure(one.step, one.count)) / one.count);
  }
  return best().time < ENOUGH * timed[0].time ? best() : timed[0];
}

/**
 * @param {() => Promise<number>} measure
 * @param {Subject} subject
 * @param {Pause} pause
 * @returns {Promise<number>} what was measured while there was no run
 */
async function undisturbed(measure, { runs }, pause) {
  for (let i = 0; i < PATIENCE; i++) {
    await pause.idle();
    const before = runs();
    const measured = await measure();
    if (runs() === before) return measured;
  }
  throw new Error("runs follow one another too closely");
}

/** Tells how long launches take: by the GPU's own clock where it has one, else by when they are done. */
class Stopwatch {
  #device;
  /** @type {{ set: GPUQuerySet, resolved: GPUBuffer, staging: GPUBuffer } | undefined} */
  #timestamps;

  /** @param {Device} device */
  constructor(device) {
    this.#device = device;
    const { gpu } = device;
    if (!gpu.features.has("timestamp-query")) return;
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    this.#timestamps = {
      set: gpu.createQuerySet({ type: "timestamp", count: 2 }),
      resolved: gpu.createBuffer({ size: 16, usage: QUERY_RESOLVE | COPY_SRC }),
      staging: gpu.createBuffer({ size: 16, usage: COPY_DST | MAP_READ }),
    };
  }

  get least() {
    return this.#timestamps ? LEAST.timestamps : LEAST.fences;
  }

  /**
   * @param {Step} step
   * @param {number} count
   */
  async milliseconds(step, count) {
    const { queue } = this.#device.gpu;
    await queue.onSubmittedWorkDone();
    const begun = performance.now();
    const [, checked] = this.#device.begin(() => this.#submit(Array.from({ length: count }, () => step)));
    const [time] = await Promise.all([this.#ended(begun), checked]);
    if (this.#device.lost) throw this.#device.lost;
    return time;
  }

  /** @param {number} begun */
  async #ended(begun) {
    if (!this.#timestamps) {
      await this.#device.gpu.queue.onSubmittedWorkDone();
      return performance.now() - begun;
    }
    const { staging } = this.#timestamps;
    await staging.mapAsync(GPUMapMode.READ);
    const [first, last] = new BigUint64Array(staging.getMappedRange());
    staging.unmap();
    // A clock that was set back tells nothing.
    return last > first ? Number(last - first) / 1e6 : Infinity;
  }

  /** @param {Step[]} steps */
  #submit(steps) {
    const { gpu } = this.#device;
    const encoder = gpu.createCommandEncoder();
    const querySet = this.#timestamps?.set;
    const timestampWrites = querySet && { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    const pass = encoder.beginComputePass({ timestampWrites });
    dispatch(pass, steps);
    pass.end();
    if (this.#timestamps) {
      const { set, resolved, staging } = this.#timestamps;
      encoder.resolveQuerySet(set, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16);
    }
    gpu.queue.submit([encoder.finish()]);
  }

  dispose() {
    for (const made of Object.values(this.#timestamps ?? {})) made.destroy();
  }
}
