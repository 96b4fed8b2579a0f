/** @file The WebGPU backend: one arena, one weight buffer, and all dispatches of a run in one submission. */

import { WebDnnError } from "../error.js";
import { fromStorage, toStorage } from "../tensors.js";
import { acquireDevice, checkAvailable } from "./webgpu_device.js";
import { adapted, compile, createBuffer, createBuffers, createSteps, dispatch, Layouts } from "./webgpu_kernels.js";

/** @import { TypedArray } from "../index.js" */
/** @import { Context, Executor, Pause, Value } from "../internal.js" */
/** @import { BufferPiece, BufferTensor, Tensor, WebGpu } from "../manifest.js" */
/** @import { Stored } from "../tensors.js" */
/** @import { Bundle } from "../bundle.js" */
/** @import { Picture } from "../images.js" */
/** @import { Device } from "./webgpu_device.js" */
/** @import { ImageInputs } from "./webgpu_images.js" */
/** @import { Buffers, Step } from "./webgpu_kernels.js" */

/** @typedef {{ device: Device, buffers: Buffers }} Opened */
/** @typedef {Awaited<ReturnType<typeof prepare>>} Kernels */

const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array };

/**
 * @param {Context} context
 * @returns {Promise<Executor>}
 */
export async function create({ bundle, device: given, tune }) {
  checkAvailable(given);
  const section = /** @type {WebGpu} */ (bundle.manifest.backends.webgpu);
  const opening = open(section, given);
  try {
    const [opened, kernels] = await Promise.all([
      opening,
      prepare(section, bundle, opening, tune),
      loadWeights(section, bundle, opening),
    ]);
    const steps = await opened.device.scoped(() => start(opened, kernels));
    // What suits an adapter in software is known, and timing it would take long.
    const tunes = kernels.open && tune !== "never" && (tune === "now" || !opened.device.isFallback);
    return new WebGpuExecutor(section, bundle, opened, steps, tunes ? kernels : undefined);
  } catch (error) {
    const opened = await opening.catch(() => undefined);
    if (!opened) throw error;
    const explained = await opened.device.explain(error);
    close(opened);
    throw explained;
  }
}

/**
 * @param {WebGpu} section
 * @param {GPUDevice} [given]
 * @returns {Promise<Opened>}
 */
async function open(section, given) {
  const device = await acquireDevice(section, given);
  const [buffers, checked] = device.begin(() => createBuffers(section, device.gpu));
  try {
    await checked;
    return { device, buffers };
  } catch (error) {
    close({ device, buffers });
    throw error;
  }
}

/** @param {Opened} opened */
function close({ device, buffers }) {
  for (const buffer of Object.values(buffers)) buffer.destroy();
  device.release();
}

/**
 * Has the kernels compiled, whose texts come while the device is still awaited.
 * @param {WebGpu} section
 * @param {Bundle} bundle
 * @param {Promise<Opened>} opening
 * @param {Context["tune"]} tune
 */
async function prepare(section, bundle, opening, tune) {
  const choosing = tune !== "never" && section.dispatches.some(({ variant }) => variant);
  const reading = choosing ? import("./webgpu_choices.js").then(({ read }) => read(bundle, opening)) : undefined;
  const [texts, { device }, choices] = await Promise.all([bundle.texts(section.sources), opening, reading]);
  const { launched, open } = adapted(section, device, choices);
  const layouts = new Layouts(launched, device.gpu);
  const pipelines = await compile(launched, bundle, device, layouts, texts);
  return { launched, open, layouts, pipelines };
}

/**
 * Computes what is computed once.
 * @param {Opened} opened
 * @param {Kernels} kernels
 * @returns {Step[]} those of each run
 */
function start({ device, buffers }, { launched, layouts, pipelines }) {
  const steps = createSteps(launched, device.gpu, layouts, pipelines, buffers);
  const loading = steps.splice(0, launched.loading);
  if (loading.length > 0) {
    const encoder = device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    dispatch(pass, loading);
    pass.end();
    device.gpu.queue.submit([encoder.finish()]);
  }
  return steps;
}

/**
 * @param {WebGpu} section
 * @param {Bundle} bundle
 * @param {Promise<Opened>} opening
 */
function loadWeights(section, bundle, opening) {
  return bundle.weights(section.weights, async (content, { start, bytes, buffer, offset }) => {
    const { device, buffers } = await opening;
    device.gpu.queue.writeBuffer(buffers[buffer], offset, wholeWords(content.subarray(start, start + bytes)));
    // Without waiting, the driver's copies of a large model would pile up.
    await device.gpu.queue.onSubmittedWorkDone();
  });
}

/** @param {Uint8Array<ArrayBuffer>} content */
function wholeWords(content) {
  if (content.length % 4 === 0) return content;
  const padded = new Uint8Array(Math.ceil(content.length / 4) * 4);
  padded.set(content);
  return padded;
}

/** @implements {Executor} */
class WebGpuExecutor {
  /** A run is submitted while the outputs of the one before are still on their way. */
  depth = 2;
  readsImages = true;
  #section;
  #bundle;
  #opened;
  #steps;
  /** @type {Set<GPUBuffer>} what outputs are copied to, to be mapped */
  #staging = new Set();
  /** @type {GPUBuffer[]} those that no run uses */
  #idle = [];
  /** @type {Promise<ImageInputs> | undefined} */
  #images;
  /** How many were begun. */
  #runs = 0;

  /**
   * @param {WebGpu} section
   * @param {Bundle} bundle
   * @param {Opened} opened
   * @param {Step[]} steps those of each run
   * @param {Kernels} [untuned] what there is to choose from, if that is to be done
   */
  constructor(section, bundle, opened, steps, untuned) {
    this.#section = section;
    this.#bundle = bundle;
    this.#opened = opened;
    this.#steps = steps;
    this.tune = untuned && ((/** @type {Pause} */ pause) => this.#tune(untuned, pause));
  }

  get gpu() {
    return this.#opened.device.gpu;
  }

  get lost() {
    return this.#opened.device.replaceable;
  }

  /**
   * @param {ReadonlyArray<Value>} values
   * @returns {Promise<TypedArray[]>}
   */
  async run(values) {
    const { outputs } = this.#section;
    const images = values.some(isPicture) ? await this.#imageInputs() : undefined;
    const [staging, checked] = this.#submit(values, images, (encoder) => {
      const buffer = this.#idle.pop() ?? this.#createStaging();
      let start = 0;
      for (const output of outputs) start = copyOut(encoder, this.#opened.buffers.arena, output, buffer, start);
      return buffer;
    });
    try {
      // Both are awaited even if one fails, so that the buffer can be used again.
      for (const settled of await Promise.allSettled([checked, staging.mapAsync(GPUMapMode.READ)])) {
        if (settled.status === "rejected") throw await this.#opened.device.explain(settled.reason);
      }
      const results = readStaging(outputs, this.#bundle.manifest.outputs, staging.getMappedRange());
      staging.unmap();
      this.#idle.push(staging);
      return results;
    } catch (error) {
      this.#staging.delete(staging);
      staging.destroy();
      throw error;
    }
  }

  /**
   * @param {ReadonlyArray<Value>} values
   * @returns {Promise<GPUBuffer[]>} of the caller's
   */
  async runToBuffers(values) {
    const { device, buffers } = this.#opened;
    const images = values.some(isPicture) ? await this.#imageInputs() : undefined;
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const [results, checked] = this.#submit(values, images, (encoder) =>
      this.#section.outputs.map((output) => {
        const buffer = createBuffer(this.gpu, output.size, STORAGE | COPY_SRC | COPY_DST);
        copyOut(encoder, buffers.arena, output, buffer, 0);
        return buffer;
      }),
    );
    try {
      await checked;
      if (device.lost) throw device.lost;
      return results;
    } catch (error) {
      results.forEach((buffer) => buffer.destroy());
      throw await device.explain(error);
    }
  }

  dispose() {
    for (const buffer of this.#staging) buffer.destroy();
    // A kernel that did not compile has left nothing.
    this.#images?.then((images) => images.dispose()).catch(() => {});
    close(this.#opened);
  }

  /**
   * @template T
   * @param {ReadonlyArray<Value>} values
   * @param {ImageInputs | undefined} images
   * @param {(encoder: GPUCommandEncoder) => T} copy adds to the end
   * @returns {[result: T, checked: Promise<void>]}
   */
  #submit(values, images, copy) {
    const { device, buffers } = this.#opened;
    const { queue } = device.gpu;
    if (device.lost) throw device.lost;
    this.#runs++;
    const places = this.#section.inputs;
    const placed = places.map((place) => ({ buffer: buffers.arena, ...place }));
    // What cannot be stored is found before anything is queued.
    const converted = this.#bundle.manifest.inputs.map((tensor, i) => storable(tensor, values[i], places[i]));
    return device.begin(() => {
      const stored = converted.map((value, i) => {
        if (!isPicture(value) || images?.take(value, placed[i])) return value;
        return toStorage(this.#bundle.manifest.inputs[i], value.array(), places[i].storage);
      });
      const encoder = device.gpu.createCommandEncoder();
      stored.forEach((value, i) => {
        if (ArrayBuffer.isView(value)) write(queue, buffers.arena, places[i], value);
        else if (!isPicture(value)) copyIn(encoder, buffers.arena, places[i], value);
      });
      const pass = encoder.beginComputePass();
      stored.forEach((value, i) => {
        if (isPicture(value)) images?.convert(pass, value, placed[i]);
      });
      dispatch(pass, this.#steps);
      pass.end();
      const result = copy(encoder);
      queue.submit([encoder.finish()]);
      return result;
    });
  }

  #createStaging() {
    const bytes = this.#section.outputs.reduce((sum, { size }) => sum + size, 0);
    const buffer = createBuffer(this.gpu, bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    this.#staging.add(buffer);
    return buffer;
  }

  /**
   * @param {Kernels} kernels
   * @param {Pause} pause
   */
  async #tune(kernels, pause) {
    this.tune = undefined;
    const subject = { ...kernels, ...this.#opened, bundle: this.#bundle, steps: this.#steps, runs: () => this.#runs };
    // What is not found out is launched as it was.
    const module = pause.idle().then(() => import("./webgpu_tuning.js"));
    await module.then(({ tune }) => tune(subject, pause)).catch(() => {});
  }

  #imageInputs() {
    this.#images ??= import("./webgpu_images.js").then(({ ImageInputs }) => ImageInputs.create(this.gpu));
    return this.#images;
  }
}

/**
 * @param {Value} value
 * @returns {value is Picture}
 */
function isPicture(value) {
  return "source" in value;
}

/**
 * @param {Tensor} tensor
 * @param {Value} value
 * @param {BufferTensor} place
 * @returns {Stored | Picture | GPUBuffer} what is written, drawn or copied to the place
 */
function storable(tensor, value, { pieces, size, storage, magnitude }) {
  if (isPicture(value)) return pieces ? toStorage(tensor, value.array(), storage) : value;
  if (ArrayBuffer.isView(value)) return toStorage(tensor, value, storage, magnitude);
  if (magnitude) {
    const what = `input '${tensor.name}' is a buffer, and its elements must be ${-magnitude} to ${magnitude}`;
    throw new WebDnnError(what, "pass an array, whose elements can be checked");
  }
  if (value.size === size) return value;
  const hint = `pass one of ${size} bytes, which holds ${storage} for each element`;
  throw new WebDnnError(`input '${tensor.name}' is a buffer of ${value.size} bytes`, hint);
}

/**
 * @param {BufferTensor} tensor
 * @returns {ReadonlyArray<BufferPiece>} the ranges of the arena that hold it, in order
 */
function piecesOf(tensor) {
  return tensor.pieces ?? [tensor];
}

/**
 * @param {GPUQueue} queue
 * @param {GPUBuffer} arena
 * @param {BufferTensor} place
 * @param {Stored} elements
 */
function write(queue, arena, place, elements) {
  let start = 0; // in elements, which have 4 bytes
  for (const { offset, size } of piecesOf(place)) {
    queue.writeBuffer(arena, offset, elements.subarray(start, (start += size / 4)));
  }
}

/**
 * @param {GPUCommandEncoder} encoder
 * @param {GPUBuffer} arena
 * @param {BufferTensor} place
 * @param {GPUBuffer} source
 */
function copyIn(encoder, arena, place, source) {
  let start = 0;
  for (const { offset, size } of piecesOf(place)) {
    encoder.copyBufferToBuffer(source, start, arena, offset, size);
    start += size;
  }
}

/**
 * @param {GPUCommandEncoder} encoder
 * @param {GPUBuffer} arena
 * @param {BufferTensor} place
 * @param {GPUBuffer} target
 * @param {number} start in the target
 * @returns {number} where it ends there
 */
function copyOut(encoder, arena, place, target, start) {
  for (const { offset, size } of piecesOf(place)) {
    encoder.copyBufferToBuffer(arena, offset, target, start, size);
    start += size;
  }
  return start;
}

/**
 * @param {ReadonlyArray<BufferTensor>} ranges
 * @param {ReadonlyArray<Tensor>} tensors
 * @param {ArrayBuffer} mapped
 */
function readStaging(ranges, tensors, mapped) {
  let end = 0;
  return tensors.map((tensor, i) => {
    const { size, storage } = ranges[i];
    /** @type {Stored} */
    const stored = new ARRAYS[storage](mapped, end, size / 4);
    end += size;
    return fromStorage(tensor, stored);
  });
}
