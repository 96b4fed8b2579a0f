/** @file The WebAssembly backend: the best module that this engine validates, over one static memory. */

import { WebDnnError } from "../error.js";
import { allocated, readOutputs, writeInputs } from "./memory.js";

/** @import { Context, Executor } from "../internal.js" */
/** @import { Wasm } from "../manifest.js" */
/** @import { Bundle } from "../bundle.js" */

const PAGE_BYTES = 65536;

/**
 * @param {Context} context
 * @returns {Promise<Executor>}
 */
export async function create({ bundle }) {
  if (!("WebAssembly" in globalThis)) {
    throw new WebDnnError("WebAssembly is not available", "use a newer browser");
  }
  const { outputs, backends } = bundle.manifest;
  const section = /** @type {Wasm} */ (backends.wasm);
  const pages = Math.ceil(section.memoryBytes / PAGE_BYTES);
  const memory = allocated(section.memoryBytes, () => new WebAssembly.Memory({ initial: pages, maximum: pages }));
  const bytes = new Uint8Array(memory.buffer);
  const [instance] = await Promise.all([
    instantiate(section, bundle, memory),
    bundle.weights(section.weights, (content, { address }) => bytes.set(content, address)),
  ]);
  const { load, run } = /** @type {{ load?: () => void, run: () => void }} */ (/** @type {unknown} */ (instance.exports));
  load?.();
  return {
    async run(values) {
      writeInputs(bytes, section.inputs, values);
      run();
      return readOutputs(bytes, section.outputs, outputs);
    },
    // The engine frees the memory with the last reference to it.
    dispose() {},
  };
}

/**
 * @param {Wasm} section
 * @param {Bundle} bundle
 * @param {WebAssembly.Memory} memory
 */
async function instantiate(section, bundle, memory) {
  for (const { file } of section.modules) {
    const code = await bundle.bytes(file);
    if (!WebAssembly.validate(code)) continue;
    const { instance } = await WebAssembly.instantiate(code, { webdnn: { memory } });
    bundle.progress({ stage: "kernels", loaded: 1, total: 1 });
    return instance;
  }
  const needs = section.modules.map(({ features }) => features.join(" + ") || "plain wasm").join(", or ");
  throw new WebDnnError(`this engine validates none of the modules, which need ${needs}`, "use a newer browser");
}
