/** @file Inputs of any size: finds the sizes of a run, and makes the arrays that the compiled code has. */

import { WebDnnError } from "./error.js";
import { arrayOver, checkType, elementCount } from "./tensors.js";

/** @import { ImageInput, Input, TypedArray } from "./index.js" */
/** @import { Dimension, Tensor } from "./manifest.js" */

/** @typedef {{ tensor: Tensor, data: TypedArray, shape: ReadonlyArray<number> | undefined }} Given */
/** @typedef {ImageInput | GPUBuffer} Kept what takes the place of elements as it is */
/** @typedef {Map<number, { size: number, from: string }>} Sizes by the number of the dimension, and where it was found */

export class Inputs {
  #all;
  #dimensions;

  /**
   * @param {ReadonlyArray<Tensor>} tensors
   * @param {ReadonlyArray<Dimension>} [dimensions]
   */
  constructor(tensors, dimensions = []) {
    this.#all = tensors;
    this.#dimensions = dimensions;
    const holding = new Set(dimensions.map(({ input }) => input));
    /** The model's own. */
    this.own = tensors.filter((_, i) => !holding.has(i));
  }

  /**
   * Rejects what does not fit.
   * @param {Readonly<Record<string, Input>>} inputs
   * @param {(value: unknown) => boolean} isKept is it an image or a buffer, which are taken as they are?
   * @returns {(TypedArray | Kept)[]} those of the manifest, in its order: of the greatest size, and the sizes of dimensions
   */
  inOrder(inputs, isKept = () => false) {
    const expected = this.own.map((tensor) => tensor.name);
    const hint = `the inputs are ${expected.join(", ")}`;
    const names = Object.keys(inputs ?? {});
    const unknown = names.filter((name) => !expected.includes(name));
    if (unknown.length > 0) throw new WebDnnError(`there is no input '${unknown.join("', '")}'`, hint);
    const missing = expected.filter((name) => !names.includes(name));
    if (missing.length > 0) throw new WebDnnError(`input '${missing.join("', '")}' is missing`, hint);
    /** @type {Map<Tensor, TypedArray | Kept>} */
    const found = new Map();
    for (const tensor of this.own) {
      const value = inputs[tensor.name];
      if (isKept(value)) found.set(tensor, this.#whole(tensor, /** @type {Kept} */ (value)));
    }
    const rest = this.own.filter((tensor) => !found.has(tensor));
    const given = rest.map((tensor) => this.#given(tensor, inputs[tensor.name]));
    const sizes = this.#sizes(given);
    const held = new Map(this.#dimensions.map(({ input }, i) => [input, sizes.get(i)?.size ?? 0]));
    for (const { tensor, data } of given) found.set(tensor, widened(tensor, data, this.#shape(tensor, sizes)));
    return this.#all.map((tensor, i) => found.get(tensor) ?? Int32Array.of(held.get(i) ?? 0));
  }

  /**
   * @param {Tensor} tensor
   * @param {Kept} value
   */
  #whole(tensor, value) {
    if (!tensor.sizes) return value;
    const what = `input '${tensor.name}' (${this.#described(tensor)}) is no array, and its size may vary`;
    throw new WebDnnError(what, "pass its elements, or bind its dimensions to one size with --dim");
  }

  /**
   * @param {Tensor} tensor
   * @param {unknown} value
   * @returns {Given}
   */
  #given(tensor, value) {
    const whole = /** @type {{ data?: unknown, shape?: unknown } | null} */ (value);
    const isArray = ArrayBuffer.isView(value) || typeof value !== "object" || whole?.data === undefined;
    const data = checkType(tensor, isArray ? value : whole?.data, this.#described(tensor));
    if (isArray || whole?.shape === undefined) return { tensor, data, shape: undefined };
    const shape = Array.from(/** @type {ReadonlyArray<number>} */ (whole.shape));
    const varying = axesOf(tensor);
    if (shape.length !== tensor.shape.length || shape.some((n, axis) => !varying.has(axis) && n !== tensor.shape[axis])) {
      throw this.#misfit(tensor, `has the shape [${shape.join(", ")}]`);
    }
    if (shape.reduce((product, extent) => product * extent, 1) !== data.length) {
      throw this.#misfit(tensor, `has ${data.length} elements and the shape [${shape.join(", ")}]`);
    }
    return { tensor, data, shape };
  }

  /**
   * @param {ReadonlyArray<Given>} given
   * @returns {Sizes} the size of every dimension
   */
  #sizes(given) {
    /** @type {Sizes} */
    const sizes = new Map();
    for (const { tensor, shape } of given) {
      for (const [axis, dimension] of shape ? axesOf(tensor) : []) this.#note(sizes, dimension, shape?.[axis] ?? 0, tensor);
    }
    let open = given.filter(({ shape }) => !shape);
    while (open.length > 0) {
      const next = open.find(({ tensor }) => unknownOf(tensor, sizes).length < 2);
      if (!next) throw this.#ambiguous(open[0], sizes);
      this.#noteLength(sizes, next);
      open = open.filter((other) => other !== next);
    }
    return sizes;
  }

  /**
   * Finds the one size that an array's length tells, or rejects its length.
   * @param {Sizes} sizes
   * @param {Given} given
   */
  #noteLength(sizes, { tensor, data }) {
    const axes = axesOf(tensor);
    const [unknown] = unknownOf(tensor, sizes);
    let known = 1;
    let times = 0;
    tensor.shape.forEach((extent, axis) => {
      const dimension = axes.get(axis);
      if (dimension !== undefined && dimension === unknown) times++;
      else known *= (dimension === undefined ? extent : sizes.get(dimension)?.size) ?? 0;
    });
    const size = times === 0 ? 1 : Math.round((data.length / known) ** (1 / times));
    if (size ** times * known !== data.length) throw this.#misfit(tensor, `has ${data.length} elements`);
    if (unknown !== undefined) this.#note(sizes, unknown, size, tensor);
  }

  /**
   * @param {Sizes} sizes
   * @param {number} number
   * @param {number} size
   * @param {Tensor} tensor
   */
  #note(sizes, number, size, tensor) {
    const { name, least, most } = this.#dimensions[number];
    if (!(Number.isInteger(size) && least <= size && size <= most)) {
      const hint = `the bundle takes ${name} from ${least} to ${most}; compile it for other sizes with --dim`;
      throw new WebDnnError(`'${name}' is ${size} in input '${tensor.name}'`, hint);
    }
    const known = sizes.get(number);
    if (known && known.size !== size) {
      const what = `'${name}' is ${known.size} in input '${known.from}' and ${size} in '${tensor.name}'`;
      throw new WebDnnError(what, "pass arrays that agree about its size");
    }
    if (!known) sizes.set(number, { size, from: tensor.name });
  }

  /**
   * @param {Tensor} tensor
   * @param {Sizes} sizes
   */
  #shape(tensor, sizes) {
    const axes = axesOf(tensor);
    return tensor.shape.map((extent, axis) => sizes.get(axes.get(axis) ?? -1)?.size ?? extent);
  }

  /** @param {Tensor} tensor */
  #described({ type, shape, sizes = [] }) {
    const names = new Map(sizes.map(({ axis, dimension }) => [axis, this.#dimensions[dimension].name]));
    return `${type}[${shape.map((extent, axis) => names.get(axis) ?? extent).join(", ")}]`;
  }

  /**
   * @param {Tensor} tensor
   * @param {string} problem
   */
  #misfit(tensor, problem) {
    const dimensions = [...new Set(axesOf(tensor).values())].map((number) => this.#dimensions[number]);
    const allowed = dimensions.map(({ name, least, most }) => `${name} from ${least} to ${most}`).join(", ");
    const expected = this.#described(tensor);
    const count = `${elementCount(tensor)} elements, row-major`;
    const hint = allowed ? `pass ${expected}, ${allowed}, row-major` : `pass ${count}`;
    return new WebDnnError(`input '${tensor.name}' (${expected}) ${problem}`, hint);
  }

  /**
   * @param {Given} given
   * @param {Sizes} sizes
   */
  #ambiguous({ tensor, data }, sizes) {
    const names = unknownOf(tensor, sizes).map((number) => this.#dimensions[number].name);
    const what = `the ${data.length} elements of input '${tensor.name}' do not tell ${names.join(" and ")}`;
    return new WebDnnError(what, `pass { data, shape }, of shape ${this.#described(tensor).slice(tensor.type.length)}`);
  }
}

/**
 * @param {Tensor} tensor
 * @returns {Map<number, number>} the axes whose size varies, each with the number of its dimension
 */
function axesOf(tensor) {
  return new Map((tensor.sizes ?? []).map(({ axis, dimension }) => [axis, dimension]));
}

/**
 * @param {Tensor} tensor
 * @param {Sizes} sizes
 * @returns {number[]} the dimensions of which no size is known
 */
function unknownOf(tensor, sizes) {
  return [...new Set(axesOf(tensor).values())].filter((dimension) => !sizes.has(dimension));
}

/**
 * @param {Tensor} tensor
 * @param {TypedArray} data
 * @param {ReadonlyArray<number>} shape
 * @returns {TypedArray} the array in the first places of one of the greatest shape, zeros behind it
 */
function widened(tensor, data, shape) {
  const last = shape.findLastIndex((extent, axis) => extent !== tensor.shape[axis]);
  if (last < 0) return data;
  const from = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const result = new Uint8Array(elementCount(tensor) * data.BYTES_PER_ELEMENT);
  const inner = shape.slice(last + 1).reduce((product, extent) => product * extent, data.BYTES_PER_ELEMENT);
  const length = shape[last] * inner;
  for (let block = 0; block * length < from.length; block++) {
    // The digits of the block's number are its place along the axes before.
    let rest = block;
    let at = 0;
    let stride = tensor.shape[last] * inner;
    for (let axis = last - 1; axis >= 0; axis--) {
      at += (rest % shape[axis]) * stride;
      rest = Math.floor(rest / shape[axis]);
      stride *= tensor.shape[axis];
    }
    result.set(from.subarray(block * length, (block + 1) * length), at);
  }
  return arrayOver(tensor.type, result.buffer);
}
