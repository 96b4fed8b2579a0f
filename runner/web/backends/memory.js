/** @file The memory image that the wasm and js backends share: weights, inputs and outputs at fixed addresses. */

import { WebDnnError } from "../error.js";
import { arrayOver } from "../tensors.js";

/** @import { TypedArray } from "../index.js" */
/** @import { MemoryRange, MemoryWeights, Tensor } from "../manifest.js" */

/**
 * @template T
 * @param {number} bytes
 * @param {() => T} allocate
 * @returns {T}
 */
export function allocated(bytes, allocate) {
  try {
    return allocate();
  } catch (error) {
    const megabytes = Math.ceil(bytes / 2 ** 20);
    const hint = "close other pages, or use a smaller model";
    throw new WebDnnError(`${megabytes} MiB of memory could not be allocated`, hint, error);
  }
}

/**
 * @param {Uint8Array} memory
 * @param {Uint8Array} content of the file
 * @param {MemoryWeights} piece
 */
export function writeWeights(memory, content, { start, bytes, address }) {
  memory.set(content.subarray(start, start + bytes), address);
}

/**
 * @param {Uint8Array} memory
 * @param {ReadonlyArray<MemoryRange>} ranges
 * @param {ReadonlyArray<TypedArray>} values
 */
export function writeInputs(memory, ranges, values) {
  values.forEach((value, i) => {
    memory.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), ranges[i].address);
  });
}

/**
 * @param {Uint8Array} memory
 * @param {ReadonlyArray<MemoryRange>} ranges
 * @param {ReadonlyArray<Tensor>} tensors
 * @returns {TypedArray[]}
 */
export function readOutputs(memory, ranges, tensors) {
  return tensors.map((tensor, i) => {
    const { address, bytes } = ranges[i];
    return arrayOver(tensor.type, new Uint8Array(memory.subarray(address, address + bytes)).buffer);
  });
}
