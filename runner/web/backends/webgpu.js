/** @file The WebGPU backend: one arena, one weight buffer, and all dispatches of a run in one submission. */

import { reasonOf, WebDnnError } from "../error.js";
import { fromStorage, toStorage } from "../tensors.js";
import { unrolled } from "./launches.js";
import { acquireDevice } from "./webgpu_device.js";

/** @import { TypedArray } from "../index.js" */
/** @import { Context, Executor } from "../internal.js" */
/** @import { Binding, BufferPiece, BufferTensor, Dispatch, Tensor, WebGpu } from "../manifest.js" */
/** @import { Stored } from "../tensors.js" */
/** @import { Bundle } from "../bundle.js" */
/** @import { Device } from "./webgpu_device.js" */

/** @typedef {{ arena: GPUBuffer, weights: GPUBuffer, staging: GPUBuffer, numbers: GPUBuffer }} Buffers */
/** @typedef {{ group: GPUBindGroup, offsets: number[] }} Numbers the counters of a launch, as places in `numbers` */
/**
 * @typedef {{ pipeline: GPUComputePipeline, group: GPUBindGroup, groups: readonly [number, number, number],
 *   numbers?: Numbers }} Step
 */

/** Bytes from one number to the next, a multiple of what every device asks of the offset of a uniform. */
const STRIDE = 256;

const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array };

/**
 * @param {Context} context
 * @returns {Promise<Executor>}
 */
export async function create({ bundle, device: given }) {
  const section = /** @type {WebGpu} */ (bundle.manifest.backends.webgpu);
  const { inputs, outputs } = bundle.manifest;
  const device = await acquireDevice(section, given);
  /** @type {Buffers | undefined} */
  let created;
  const dispose = () => {
    for (const buffer of Object.values(created ?? {})) buffer.destroy();
    device.release();
  };
  try {
    const buffers = (created = await device.scoped(() => createBuffers(section, device.gpu)));
    const steps = await prepare(section, bundle, device, buffers);
    return { run: (values) => run(section, device, buffers, steps, inputs, outputs, values), dispose };
  } catch (error) {
    const explained = await device.explain(error);
    dispose();
    throw explained;
  }
}

/**
 * Compiles the kernels while the weights stream, and computes what is computed once.
 * @param {WebGpu} section
 * @param {Bundle} bundle
 * @param {Device} device
 * @param {Buffers} buffers
 */
async function prepare(section, bundle, device, buffers) {
  const layouts = new Layouts(section, device.gpu);
  const [pipelines] = await Promise.all([
    compile(section, bundle, device, layouts),
    bundle.weights(section.weights, async (content, { start, bytes, buffer, offset }) => {
      device.gpu.queue.writeBuffer(buffers[buffer], offset, wholeWords(content.subarray(start, start + bytes)));
      // Without waiting, the driver's copies of a large model would pile up.
      await device.gpu.queue.onSubmittedWorkDone();
    }),
  ]);
  return device.scoped(() => {
    const steps = createSteps(section, device.gpu, layouts, pipelines, buffers);
    const loading = steps.splice(0, section.loading);
    if (loading.length > 0) device.gpu.queue.submit([encode([], device.gpu, buffers, loading)]);
    return steps;
  });
}

/**
 * @param {WebGpu} section
 * @param {GPUDevice} gpu
 * @returns {Buffers}
 */
function createBuffers(section, gpu) {
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
  const bytes = section.outputs.reduce((sum, output) => sum + output.size, 0);
  /** @param {number} size @param {number} usage */
  const buffer = (size, usage) => gpu.createBuffer({ size: Math.max(4, Math.ceil(size / 4) * 4), usage });
  const counted = unrolled(section.dispatches, section.loops).flatMap(({ counters }) => counters);
  const most = counted.reduce((a, b) => Math.max(a, b), 0);
  const numbers = buffer((most + 1) * STRIDE, GPUBufferUsage.UNIFORM | COPY_DST);
  const table = new Int32Array(((most + 1) * STRIDE) / 4);
  for (let i = 0; i <= most; i++) table[(i * STRIDE) / 4] = i;
  gpu.queue.writeBuffer(numbers, 0, table);
  return {
    numbers,
    arena: buffer(section.arenaBytes, STORAGE | COPY_DST | COPY_SRC),
    weights: buffer(section.weightsBytes, STORAGE | COPY_DST),
    staging: buffer(bytes, MAP_READ | COPY_DST),
  };
}

/** @param {Uint8Array<ArrayBuffer>} content */
function wholeWords(content) {
  if (content.length % 4 === 0) return content;
  const padded = new Uint8Array(Math.ceil(content.length / 4) * 4);
  padded.set(content);
  return padded;
}

/** Bind group layouts and pipeline layouts, shared by all kernels that bind the same kinds of buffers. */
class Layouts {
  #gpu;
  /** @type {Map<string, { group: GPUBindGroupLayout, numbers: GPUBindGroupLayout, pipeline: GPUPipelineLayout }>} */
  #known = new Map();
  /** @type {Dispatch[]} */
  #dispatches = [];

  /**
   * @param {WebGpu} section
   * @param {GPUDevice} gpu
   */
  constructor(section, gpu) {
    this.#gpu = gpu;
    for (const dispatch of section.dispatches) this.#dispatches[dispatch.pipeline] ??= dispatch;
  }

  /** @param {number} pipeline */
  of(pipeline) {
    const { bindings = [], counters = [] } = this.#dispatches[pipeline] ?? {};
    const key = `${bindings.map(({ buffer }) => buffer).join()} ${counters.length}`;
    const known = this.#known.get(key) ?? this.#create(bindings, counters.length);
    this.#known.set(key, known);
    return known;
  }

  /**
   * @param {ReadonlyArray<Binding>} bindings
   * @param {number} counters
   */
  #create(bindings, counters) {
    const group = this.#gpu.createBindGroupLayout({
      entries: bindings.map(({ buffer }, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: buffer === "arena" ? "storage" : "read-only-storage" },
      })),
    });
    const numbers = this.#gpu.createBindGroupLayout({
      entries: Array.from({ length: counters }, (_, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: "uniform", hasDynamicOffset: true },
      })),
    });
    const layouts = counters ? [group, numbers] : [group];
    return { group, numbers, pipeline: this.#gpu.createPipelineLayout({ bindGroupLayouts: layouts }) };
  }
}

/**
 * @param {WebGpu} section
 * @param {Bundle} bundle
 * @param {Device} device
 * @param {Layouts} layouts
 * @returns {Promise<GPUComputePipeline[]>}
 */
async function compile(section, bundle, device, layouts) {
  const texts = await bundle.texts(section.sources);
  const modules = await device.scoped(() => texts.map((code) => device.gpu.createShaderModule({ code })));
  const total = section.pipelines.length;
  let loaded = 0;
  return Promise.all(
    section.pipelines.map(async ({ source, entry }, index) => {
      const compute = { module: modules[source], entryPoint: entry };
      try {
        const layout = layouts.of(index).pipeline;
        const pipeline = await device.gpu.createComputePipelineAsync({ layout, compute });
        bundle.progress({ stage: "kernels", loaded: ++loaded, total });
        return pipeline;
      } catch (error) {
        throw new WebDnnError(`kernel '${entry}' did not compile: ${reasonOf(error)}`, "report this as a bug", error);
      }
    }),
  );
}

/**
 * @param {WebGpu} section
 * @param {GPUDevice} gpu
 * @param {Layouts} layouts
 * @param {GPUComputePipeline[]} pipelines
 * @param {Buffers} buffers
 * @returns {Step[]}
 */
function createSteps(section, gpu, layouts, pipelines, buffers) {
  /** @type {Map<string, GPUBindGroup>} */
  const known = new Map();
  /** @type {Map<GPUBindGroupLayout, GPUBindGroup>} */
  const tables = new Map();
  /**
   * @param {number} pipeline
   * @param {number[]} counters
   * @returns {Numbers | undefined}
   */
  const numbersOf = (pipeline, counters) => {
    if (counters.length === 0) return undefined;
    const layout = layouts.of(pipeline).numbers;
    const entries = counters.map((_, binding) => ({ binding, resource: { buffer: buffers.numbers, size: 4 } }));
    const group = tables.get(layout) ?? gpu.createBindGroup({ layout, entries });
    tables.set(layout, group);
    return { group, offsets: counters.map((counter) => counter * STRIDE) };
  };
  /** @param {Dispatch} dispatch */
  const groupOf = ({ pipeline, bindings }) => {
    const key = bindings.map(({ buffer, offset, size }) => `${buffer} ${offset} ${size}`).join();
    const entries = bindings.map(({ buffer, offset, size }, binding) => ({
      binding,
      resource: { buffer: buffers[buffer], offset, size },
    }));
    const group = known.get(key) ?? gpu.createBindGroup({ layout: layouts.of(pipeline).group, entries });
    known.set(key, group);
    return group;
  };
  const groups = section.dispatches.map(groupOf);
  return unrolled(section.dispatches, section.loops).map(({ index, launch, counters }) => ({
    pipeline: pipelines[launch.pipeline],
    group: groups[index],
    groups: launch.groups,
    numbers: numbersOf(launch.pipeline, counters),
  }));
}

/**
 * @param {WebGpu} section
 * @param {Device} device
 * @param {Buffers} buffers
 * @param {Step[]} steps
 * @param {ReadonlyArray<Tensor>} inputs
 * @param {ReadonlyArray<Tensor>} outputs
 * @param {ReadonlyArray<TypedArray>} values
 */
async function run(section, device, buffers, steps, inputs, outputs, values) {
  if (device.lost) throw device.lost;
  const stored = inputs.map((tensor, i) => toStorage(tensor, values[i], section.inputs[i].storage));
  const submitted = device.scoped(() => {
    stored.forEach((data, i) => {
      let start = 0; // in elements, which have 4 bytes
      for (const { offset, size } of piecesOf(section.inputs[i])) {
        device.gpu.queue.writeBuffer(buffers.arena, offset, data.subarray(start, (start += size / 4)));
      }
    });
    device.gpu.queue.submit([encode(section.outputs, device.gpu, buffers, steps)]);
  });
  const mapped = buffers.staging.mapAsync(GPUMapMode.READ);
  try {
    // Both are awaited even if one fails, so that nothing is pending when the next run begins.
    for (const settled of await Promise.allSettled([submitted, mapped])) {
      if (settled.status === "rejected") throw await device.explain(settled.reason);
    }
    return readStaging(section.outputs, outputs, buffers.staging.getMappedRange());
  } finally {
    if (buffers.staging.mapState === "mapped") buffers.staging.unmap();
  }
}

/**
 * @param {BufferTensor} tensor
 * @returns {ReadonlyArray<BufferPiece>} the ranges of the arena that hold it, in order
 */
function piecesOf(tensor) {
  return tensor.pieces ?? [tensor];
}

/**
 * @param {ReadonlyArray<BufferTensor>} outputs what is copied for the page afterwards
 * @param {GPUDevice} gpu
 * @param {Buffers} buffers
 * @param {Step[]} steps
 */
function encode(outputs, gpu, buffers, steps) {
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  /** @type {GPUComputePipeline | undefined} */
  let current;
  for (const { pipeline, group, groups, numbers } of steps) {
    if (pipeline !== current) pass.setPipeline((current = pipeline));
    pass.setBindGroup(0, group);
    if (numbers) pass.setBindGroup(1, numbers.group, numbers.offsets);
    pass.dispatchWorkgroups(...groups);
  }
  pass.end();
  let end = 0;
  for (const { offset, size } of outputs.flatMap(piecesOf)) {
    encoder.copyBufferToBuffer(buffers.arena, offset, buffers.staging, end, size);
    end += size;
  }
  return encoder.finish();
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
