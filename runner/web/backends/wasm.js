/** @file The WebAssembly backend: the best module that this engine validates, over one static memory. */

import { BundleError, WebDnnError } from "../error.js";
import { allocated, readOutputs, writeInputs, writeWeights } from "./memory.js";

/** @import { Context, Executor, WasmEngine } from "../internal.js" */
/** @import { TypedArray } from "../index.js" */
/** @import { Wasm } from "../manifest.js" */
/** @import { Bundle } from "../bundle.js" */

const PAGE_BYTES = 65536;
const DEFAULT_THREADS = 4;

/** Most runs before the weights are there: long kernels have their best code after one, short ones after some more. */
const WARM_UPS = 2;

/**
 * @param {Context} context
 * @returns {Promise<Executor>}
 */
export async function create({ bundle, threads, warmUp = true }) {
  if (!("WebAssembly" in globalThis)) {
    throw new WebDnnError("WebAssembly is not available", "use a newer browser");
  }
  const { outputs, backends } = bundle.manifest;
  const section = /** @type {Wasm} */ (backends.wasm);
  const starting = start(section, bundle, threads);
  let arrived = section.weights.length === 0;
  const warming = starting.then((engine) => warmUpUntil(() => arrived, engine, warmUp ? WARM_UPS : 0));
  const arriving = bundle.weights(section.weights, async (content, piece) => {
    arrived = true;
    // Weights that only `load()` reads lie where a run computes.
    await warming;
    writeWeights((await starting).bytes, content, piece);
  });
  try {
    await Promise.all([warming, arriving]);
  } catch (error) {
    starting.then((engine) => engine.dispose()).catch(() => {});
    throw error;
  }
  const engine = await starting;
  await engine.load();
  return {
    threads: engine.threads,
    /** @param {ReadonlyArray<TypedArray>} values */
    async run(values) {
      writeInputs(engine.bytes, section.inputs, values);
      await engine.run();
      return readOutputs(engine.bytes, section.outputs, outputs);
    },
    dispose: () => engine.dispose(),
  };
}

/**
 * Computes on what is in memory until weights arrive: engines optimise code that has run, and what comes of it is
 * overwritten.
 * @param {() => boolean} arrived
 * @param {WasmEngine} engine
 * @param {number} most runs
 */
async function warmUpUntil(arrived, engine, most) {
  for (let runs = 0; runs < most; runs++) {
    // What has come meanwhile is seen first.
    await new Promise((resolve) => setTimeout(resolve));
    if (arrived()) return;
    await engine.run();
  }
}

/**
 * @param {Wasm} section
 * @param {Bundle} bundle
 * @param {number} [wanted]
 * @returns {Promise<WasmEngine>}
 */
async function start(section, bundle, wanted) {
  const threads = threadCount(section, wanted);
  if (threads > 1) {
    try {
      const [module, { startThreads }] = await Promise.all([compile(section, bundle, true), import("./wasm_threads.js")]);
      return await startThreads(module, allocateMemory(section, true), threads);
    } catch (error) {
      if (error instanceof BundleError) throw error;
      // Where a policy refuses workers, or memory is short, one thread does the same, only slower.
    }
  }
  const memory = allocateMemory(section, false);
  const { exports } = await WebAssembly.instantiate(await compile(section, bundle, false), { webdnn: { memory } });
  const { load, run } = /** @type {{ load?: () => void, run: () => void }} */ (/** @type {unknown} */ (exports));
  return {
    bytes: new Uint8Array(memory.buffer),
    threads: 1,
    load: async () => load?.(),
    run: async () => run(),
    // The engine frees the memory with the last reference to it.
    dispose() {},
  };
}

/**
 * @param {Wasm} section
 * @param {number} [wanted]
 * @returns {number} how many threads are possible, and worth it
 */
function threadCount(section, wanted) {
  const possible = globalThis.crossOriginIsolated && section.modules.some(({ features }) => features.includes("threads"));
  return possible ? (wanted ?? Math.min(navigator.hardwareConcurrency, DEFAULT_THREADS)) : 1;
}

/**
 * @param {Wasm} section
 * @param {boolean} shared
 */
function allocateMemory({ memoryBytes }, shared) {
  const pages = Math.ceil(memoryBytes / PAGE_BYTES);
  return allocated(memoryBytes, () => new WebAssembly.Memory({ initial: pages, maximum: pages, shared }));
}

/**
 * @param {Wasm} section
 * @param {Bundle} bundle
 * @param {boolean} shared whether the memory is
 */
async function compile(section, bundle, shared) {
  const modules = section.modules.filter(({ features }) => features.includes("threads") === shared);
  for (const { file } of modules) {
    const code = await bundle.bytes(file);
    try {
      const module = await WebAssembly.compile(code);
      bundle.progress({ stage: "kernels", loaded: 1, total: 1 });
      return module;
    } catch (error) {
      if (!(error instanceof WebAssembly.CompileError)) throw error;
      // It needs a proposal that this engine lacks.
    }
  }
  const needs = modules.map(({ features }) => features.join(" + ") || "plain wasm").join(", or ");
  throw new WebDnnError(`this engine validates none of the modules, which need ${needs}`, "use a newer browser");
}
