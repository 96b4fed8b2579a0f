/** @file The JavaScript backend: the same memory image as wasm, computed by an ES module over typed arrays. */

import { WebDnnError } from "../error.js";
import { allocated, readOutputs, writeInputs, writeWeights } from "./memory.js";

/** @import { Context, Executor, Heap } from "../internal.js" */
/** @import { TypedArray } from "../index.js" */
/** @import { Js } from "../manifest.js" */

/**
 * @param {Context} context
 * @returns {Promise<Executor>}
 */
export async function create({ bundle }) {
  const { outputs, backends } = bundle.manifest;
  const section = /** @type {Js} */ (backends.js);
  // Views of 8-byte elements need a whole number of them.
  const size = Math.ceil(section.memoryBytes / 8) * 8;
  const heap = heapOver(allocated(size, () => new ArrayBuffer(size)));
  await bundle.bytes(section.module);
  const url = bundle.url(section.module).href;
  const [{ load, run }] = await Promise.all([
    /** @type {Promise<{ load?: (heap: Heap) => void, run?: (heap: Heap) => void }>} */ (import(/* webpackIgnore: true */ /* @vite-ignore */ url)),
    bundle.weights(section.weights, (content, piece) => writeWeights(heap.u8, content, piece)),
  ]);
  if (!run) throw new WebDnnError(`${section.module} exports no run()`, "compile the bundle again");
  load?.(heap);
  bundle.progress({ stage: "kernels", loaded: 1, total: 1 });
  return {
    /** @param {ReadonlyArray<TypedArray>} values */
    async run(values) {
      writeInputs(heap.u8, section.inputs, values);
      run(heap);
      return readOutputs(heap.u8, section.outputs, outputs);
    },
    // The engine frees the memory with the last reference to it.
    dispose() {},
  };
}

/**
 * @param {ArrayBuffer} buffer
 * @returns {Heap}
 */
function heapOver(buffer) {
  return {
    i8: new Int8Array(buffer),
    u8: new Uint8Array(buffer),
    i16: new Int16Array(buffer),
    u16: new Uint16Array(buffer),
    i32: new Int32Array(buffer),
    u32: new Uint32Array(buffer),
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
    i64: new BigInt64Array(buffer),
    u64: new BigUint64Array(buffer),
  };
}
