/** @file A WebGPU device that meets a bundle's needs, and whose failures are errors of ours. */

import { WebDnnError } from "../error.js";

/** @import { WebGpu } from "../manifest.js" */

const OTHER_BACKENDS = "allow other backends in load()";

/** A device and what became of it. */
export class Device {
  #owned;
  #released = false;
  /** @type {WebDnnError | undefined} why the device is gone */
  lost;

  /**
   * @param {GPUDevice} gpu
   * @param {boolean} owned whether it ends with the session
   */
  constructor(gpu, owned) {
    this.gpu = gpu;
    this.#owned = owned;
    void gpu.lost.then(({ message, reason }) => {
      if (this.#released) return;
      this.lost = new WebDnnError(`the GPU device was lost: ${message || reason}`, "load the model again");
    });
  }

  /**
   * Does something with the device, and rejects if the device finds fault with it.
   * @template T
   * @param {() => T} action
   * @returns {Promise<T>}
   */
  async scoped(action) {
    this.gpu.pushErrorScope("internal");
    this.gpu.pushErrorScope("out-of-memory");
    this.gpu.pushErrorScope("validation");
    let result, faults;
    try {
      result = action();
    } finally {
      // Scopes are popped before anything is awaited: they may not enclose the work of others.
      faults = Promise.all([this.gpu.popErrorScope(), this.gpu.popErrorScope(), this.gpu.popErrorScope()]);
    }
    const fault = (await faults).find((found) => found !== null);
    if (!fault) return result;
    throw new WebDnnError(`WebGPU reports: ${fault.message}`, OTHER_BACKENDS, fault);
  }

  /**
   * A loss is announced shortly after the failures that it causes.
   * @param {unknown} error
   * @returns {Promise<unknown>} what lies behind it
   */
  async explain(error) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    return this.lost ?? error;
  }

  /** Ends the device, unless it is the page's. */
  release() {
    this.#released = true;
    if (this.#owned) this.gpu.destroy();
  }
}

/**
 * @param {WebGpu} section
 * @param {GPUDevice} [given] the page's device
 * @returns {Promise<Device>}
 */
export async function acquireDevice(section, given) {
  if (given) {
    checkNeeds(section, given, "the given device");
    return new Device(given, false);
  }
  const gpu = globalThis.navigator?.gpu;
  if (!gpu) throw new WebDnnError("WebGPU is not available (it needs a secure context)", OTHER_BACKENDS);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new WebDnnError("WebGPU has no adapter", OTHER_BACKENDS);
  checkNeeds(section, adapter, "the adapter");
  const requiredFeatures = /** @type {GPUFeatureName[]} */ (section.features);
  return new Device(await adapter.requestDevice({ requiredFeatures, requiredLimits: neededLimits(section) }), true);
}

/** @param {WebGpu} section */
function neededLimits({ limits, arenaBytes, weightsBytes }) {
  const largest = Math.max(arenaBytes, weightsBytes, 4);
  return { ...limits, maxBufferSize: Math.max(limits.maxBufferSize ?? 0, Math.ceil(largest / 4) * 4) };
}

/**
 * @param {WebGpu} section
 * @param {{ limits: GPUSupportedLimits, features: GPUSupportedFeatures }} offered
 * @param {string} who
 */
function checkNeeds(section, offered, who) {
  const limits = /** @type {Record<string, number | undefined>} */ (/** @type {unknown} */ (offered.limits));
  for (const [name, needed] of Object.entries(neededLimits(section))) {
    const has = limits[name];
    // Limits called "min…" are alignments, where less is better.
    const met = has !== undefined && (name.startsWith("min") ? has <= needed : has >= needed);
    if (!met) throw new WebDnnError(`the bundle needs ${name} ${needed}, and ${who} has ${has}`, OTHER_BACKENDS);
  }
  const missing = section.features.filter((feature) => !offered.features.has(feature));
  if (missing.length > 0) throw new WebDnnError(`${who} lacks ${missing.join(", ")}`, OTHER_BACKENDS);
}
