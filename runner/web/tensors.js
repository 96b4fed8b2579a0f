/** @file Typed arrays for element types: which is which, and the conversions to and from a GPU's 4-byte storage. */

import { WebDnnError } from "./error.js";

/** @import { TypedArray } from "./index.js" */
/** @import { BufferTensor, Tensor } from "./manifest.js" */

/** @typedef {Tensor["type"]} ElementType */
/** @typedef {BufferTensor["storage"]} Storage */
/** @typedef {Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>} Stored */

const HAS_FLOAT16 = "Float16Array" in globalThis;

const ARRAYS = {
  f32: Float32Array,
  f64: Float64Array,
  f16: HAS_FLOAT16 ? Float16Array : Uint16Array,
  bf16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  bool: Uint8Array,
};

/** @type {Record<Storage, Float32ArrayConstructor | Int32ArrayConstructor | Uint32ArrayConstructor>} */
const STORAGES = { f32: Float32Array, i32: Int32Array, u32: Uint32Array };

/** The integers that a storage holds exactly. */
const RANGES = { f32: [1 - 2 ** 24, 2 ** 24 - 1], i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1] };

/** Integers of which a float does not hold all. */
const WIDE = new Set(["i32", "u32", "i64", "u64"]);

/** @param {Tensor} tensor */
export function elementCount(tensor) {
  return tensor.shape.reduce((product, extent) => product * extent, 1);
}

/**
 * @param {ElementType} type
 * @param {ArrayBuffer} buffer the elements in their natural encoding
 * @returns {TypedArray}
 */
export function arrayOver(type, buffer) {
  return new ARRAYS[type](buffer);
}

/**
 * @param {Tensor} tensor
 * @returns {TypedArray}
 */
export function zeros(tensor) {
  return new ARRAYS[tensor.type](elementCount(tensor));
}

/**
 * Rejects what is not an array of the tensor's type.
 * @param {Tensor} tensor
 * @param {unknown} value
 * @param {string} expected the type and shape that it should have
 * @returns {TypedArray}
 */
export function checkType(tensor, value, expected) {
  // Names rather than instanceof, for arrays that come from another frame.
  const accepted = [ARRAYS[tensor.type].name];
  if (tensor.type === "f16" && HAS_FLOAT16) accepted.push("Uint16Array");
  if (tensor.type === "u8") accepted.push("Uint8ClampedArray");
  const found = Object.prototype.toString.call(value).slice(8, -1);
  if (!accepted.includes(found)) {
    throw new WebDnnError(`input '${tensor.name}' (${expected}) is a ${found}`, `pass a ${accepted.join(" or a ")}`);
  }
  return /** @type {TypedArray} */ (value);
}

/**
 * @param {Tensor} tensor
 * @param {TypedArray} values
 * @param {Storage} storage
 * @param {number} [magnitude] the greatest one that kernels are right for
 * @returns {Stored} the same values in 4 bytes each
 */
export function toStorage(tensor, values, storage, magnitude = Infinity) {
  if (tensor.type === storage && magnitude === Infinity) return /** @type {Stored} */ (values);
  if (tensor.type === "bf16") return Float32Array.from(/** @type {Uint16Array} */ (values), bfloatToNumber);
  if (tensor.type === "f16" && values instanceof Uint16Array) return Float32Array.from(values, halfToNumber);
  const stored = new STORAGES[storage](values.length);
  if (tensor.type === "f16" || tensor.type === "f64") {
    stored.set(/** @type {Float64Array} */ (values));
    return stored;
  }
  const [least, most] = RANGES[storage];
  const low = Math.max(least, -magnitude);
  const high = Math.min(most, magnitude);
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low || values[i] > high) {
      const what = `element ${i} of input '${tensor.name}' is ${values[i]}, and this backend holds ${low} to ${high}`;
      throw new WebDnnError(what, 'pass a smaller value, or load with backends: ["wasm", "js"]');
    }
    stored[i] = Number(values[i]);
  }
  return stored;
}

/**
 * @param {ElementType} type
 * @param {ArrayBuffer} buffer elements of at most 4 bytes in their natural encoding
 * @returns {ArrayLike<number>}
 */
export function asFloats(type, buffer) {
  const values = arrayOver(type, buffer);
  if (type === "f16" && values instanceof Uint16Array) return Float32Array.from(values, halfToNumber);
  return /** @type {ArrayLike<number>} */ (values);
}

/**
 * Rejects integers that floats did not hold: what is too large for them is stored as a number that is too large as well.
 * @param {Tensor} tensor
 * @param {Stored} stored
 * @returns {TypedArray}
 */
export function fromStorage(tensor, stored) {
  if (stored instanceof Float32Array && WIDE.has(tensor.type)) checkIntegers(tensor, stored);
  switch (tensor.type) {
    case "f32":
    case "f64":
      return ARRAYS[tensor.type].from(stored);
    case "f16":
      return HAS_FLOAT16 ? Float16Array.from(stored) : Uint16Array.from(stored, numberToHalf);
    case "bf16":
      return Uint16Array.from(stored, numberToBfloat);
    case "bool":
      return Uint8Array.from(stored, (value) => (value ? 1 : 0));
    case "i64":
      return BigInt64Array.from(Array.from(stored, (value) => BigInt(nearestInteger(value))));
    case "u64":
      return BigUint64Array.from(Array.from(stored, (value) => BigInt(nearestInteger(value))));
    default: {
      const values = new ARRAYS[tensor.type](stored.length);
      stored.forEach((value, i) => (values[i] = nearestInteger(value)));
      return values;
    }
  }
}

/**
 * @param {Tensor} tensor
 * @param {Float32Array} stored
 */
function checkIntegers(tensor, stored) {
  const low = tensor.type.startsWith("u") ? 0 : RANGES.f32[0];
  const high = RANGES.f32[1];
  for (let i = 0; i < stored.length; i++) {
    if (stored[i] < low || stored[i] > high) {
      const what = `element ${i} of output '${tensor.name}' is not in ${low} to ${high}, which this backend holds`;
      throw new WebDnnError(what, 'load with backends: ["wasm", "js"]');
    }
  }
}

/** @param {number} value */
function nearestInteger(value) {
  return Number.isFinite(value) ? Math.round(value) : 0;
}

const word = new Float32Array(1);
const bits = new Uint32Array(word.buffer);

/** @param {number} brain */
function bfloatToNumber(brain) {
  bits[0] = brain << 16;
  return word[0];
}

/** @param {number} value */
function numberToBfloat(value) {
  word[0] = value;
  if (Number.isNaN(value)) return 0x7fc0;
  return (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16;
}

/** @param {number} half */
export function halfToNumber(half) {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : (fraction / 1024) * 2 ** -14);
}

/**
 * Rounds to the nearest half, ties to even.
 * @param {number} value
 */
export function numberToHalf(value) {
  word[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const magnitude = Math.abs(word[0]);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  // Adding and taking away 2^k drops what lies below the unit of the last place, rounding as the hardware does.
  const unit = 2 ** (Math.max(Math.floor(Math.log2(magnitude || 1e-30)), -14) - 10);
  const steps = roundToEven(magnitude / unit);
  return sign | (unit === 2 ** -24 ? steps : steps + (Math.log2(unit) + 24) * 1024);
}

/** @param {number} value */
function roundToEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/**
 * An output without the places that a run has not filled: along counted axes, only the first ones are, and none of a
 * tensor without elements, whose buffer has one.
 * @param {Tensor} tensor
 * @param {TypedArray} values
 * @param {ReadonlyArray<TypedArray>} results all outputs, of which some are counts
 * @returns {{ data: TypedArray, shape: number[] }}
 */
export function filled(tensor, values, results) {
  const shape = [...tensor.shape];
  if (shape.includes(0)) return { data: values.slice(0, 0), shape };
  for (const { axis, output } of tensor.counts ?? []) {
    const count = Math.min(Math.max(Number(results[output][0]), 0), shape[axis]);
    const inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
    values = firstOfEach(values, shape[axis] * inner, count * inner);
    shape[axis] = count;
  }
  return { data: values, shape };
}

/**
 * @param {TypedArray} values
 * @param {number} length of each part that the values are cut in
 * @param {number} kept how many elements of each part to keep
 */
function firstOfEach(values, length, kept) {
  if (kept === length) return values;
  const parts = values.length / length;
  const moved = values.slice();
  for (let i = 0; i < parts; i++) moved.copyWithin(i * kept, i * length, i * length + kept);
  return moved.slice(0, parts * kept);
}
