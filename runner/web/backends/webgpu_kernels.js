/** @file The kernels of a WebGPU bundle: pipelines, the buffers that they bind, and the dispatches of a run. */

import { BundleError, reasonOf, WebDnnError } from "../error.js";
import { unrolled } from "./launches.js";

/** @import { Binding, Dispatch, Variant, WebGpu } from "../manifest.js" */
/** @import { Bundle } from "../bundle.js" */
/** @import { Choices } from "./webgpu_choices.js" */
/** @import { Device } from "./webgpu_device.js" */

/** @typedef {{ arena: GPUBuffer, weights: GPUBuffer, numbers: GPUBuffer }} Buffers */
/** @typedef {{ group: GPUBindGroup, offsets: number[] }} Numbers the counters of a launch, as places in `numbers` */
/**
 * @typedef {{ launch: number, pipeline: GPUComputePipeline, group: GPUBindGroup,
 *   groups: readonly [number, number, number], numbers?: Numbers }} Step a launch by its number in the manifest
 */

/** Bytes from one number to the next, a multiple of what every device asks of the offset of a uniform. */
const STRIDE = 256;

/**
 * @param {Dispatch} launch
 * @param {Device} device
 * @returns {Variant[]} what may be launched here, all of which compute the same
 */
export function variantsOf({ variant, pipeline, groups, others = [], alone }, { gpu }) {
  const first = variant ? [{ name: variant, pipeline, groups }] : [];
  const here = others.filter(({ features = [] }) => features.every((feature) => gpu.features.has(feature)));
  return [...first, ...here, ...(alone ? [/** @type {Variant} */ ({ name: "alone", ...alone })] : [])];
}

/**
 * What is launched here: what was found to be the fastest. Of the rest, every invocation works alone on an adapter in
 * software, as far as kernels allow: there, waiting for others is slow.
 * @param {WebGpu} section
 * @param {Device} device
 * @param {Choices} [choices]
 * @returns {{ launched: WebGpu, open: boolean }} whether runs have variants left of which none was found
 */
export function adapted(section, device, choices) {
  const { pipelines, loading } = section;
  let open = false;
  const dispatches = section.dispatches.map((launch, i) => {
    const variants = variantsOf(launch, device);
    const { entry } = pipelines[launch.pipeline];
    if (variants.some(({ pipeline }) => !pipelines[pipeline])) {
      throw new BundleError(`a variant of '${entry}' has no pipeline`, "compile the bundle again");
    }
    const found = variants.find(({ name }) => name === choices?.get(entry));
    if (launch.variant && !found && i >= loading) open = true;
    const { pipeline, groups } = found ?? (device.isFallback ? launch.alone : undefined) ?? launch;
    return { ...launch, pipeline, groups };
  });
  return { launched: { ...section, dispatches }, open };
}

/**
 * @param {WebGpu} section
 * @param {GPUDevice} gpu
 * @returns {Buffers}
 */
export function createBuffers(section, gpu) {
  const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
  const counted = unrolled(section.dispatches, section.loops).flatMap(({ counters }) => counters);
  const most = counted.reduce((a, b) => Math.max(a, b), 0);
  const numbers = createBuffer(gpu, (most + 1) * STRIDE, GPUBufferUsage.UNIFORM | COPY_DST);
  const table = new Int32Array(((most + 1) * STRIDE) / 4);
  for (let i = 0; i <= most; i++) table[(i * STRIDE) / 4] = i;
  gpu.queue.writeBuffer(numbers, 0, table);
  return {
    numbers,
    arena: createBuffer(gpu, section.arenaBytes, STORAGE | COPY_DST | COPY_SRC),
    weights: createBuffer(gpu, section.weightsBytes, STORAGE | COPY_DST),
  };
}

/**
 * @param {GPUDevice} gpu
 * @param {number} bytes
 * @param {number} usage
 */
export function createBuffer(gpu, bytes, usage) {
  return gpu.createBuffer({ size: Math.max(4, Math.ceil(bytes / 4) * 4), usage });
}

/** Bind group layouts and pipeline layouts, shared by all kernels that bind the same kinds of buffers. */
export class Layouts {
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
 * @param {string[]} texts
 * @returns {Promise<GPUComputePipeline[]>} by their numbers, those that are launched
 */
export async function compile(section, bundle, device, layouts, texts) {
  const used = new Set(section.dispatches.map(({ pipeline }) => pipeline));
  /** @type {GPUShaderModule[]} */
  const modules = [];
  const [, checked] = device.begin(() => {
    for (const pipeline of used) {
      const { source } = section.pipelines[pipeline];
      modules[source] ??= device.gpu.createShaderModule({ code: texts[source] });
    }
  });
  const total = used.size;
  let loaded = 0;
  /** @type {GPUComputePipeline[]} */
  const pipelines = [];
  const compiling = [...used].map(async (index) => {
    const { source, entry } = section.pipelines[index];
    const compute = { module: modules[source], entryPoint: entry };
    try {
      const layout = layouts.of(index).pipeline;
      pipelines[index] = await device.gpu.createComputePipelineAsync({ layout, compute });
      bundle.progress({ stage: "kernels", loaded: ++loaded, total });
    } catch (error) {
      throw new WebDnnError(`kernel '${entry}' did not compile: ${reasonOf(error)}`, "report this as a bug", error);
    }
  });
  const compiled = Promise.all(compiling);
  // What is wrong with a module says more than that its kernels did not compile.
  compiled.catch(() => {});
  await checked;
  await compiled;
  return pipelines;
}

/**
 * @param {WebGpu} section
 * @param {GPUDevice} gpu
 * @param {Layouts} layouts
 * @param {GPUComputePipeline[]} pipelines
 * @param {Buffers} buffers
 * @returns {Step[]}
 */
export function createSteps(section, gpu, layouts, pipelines, buffers) {
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
    launch: index,
    pipeline: pipelines[launch.pipeline],
    group: groups[index],
    groups: launch.groups,
    numbers: numbersOf(launch.pipeline, counters),
  }));
}

/**
 * @param {GPUComputePassEncoder} pass
 * @param {ReadonlyArray<Step>} steps
 */
export function dispatch(pass, steps) {
  /** @type {GPUComputePipeline | undefined} */
  let current;
  for (const { pipeline, group, groups, numbers } of steps) {
    if (pipeline !== current) pass.setPipeline((current = pipeline));
    pass.setBindGroup(0, group);
    if (numbers) pass.setBindGroup(1, numbers.group, numbers.offsets);
    pass.dispatchWorkgroups(...groups);
  }
}
