/** @file WebGPU devices: sessions share one that meets their needs; its failures are errors of ours. */

import { WebDnnError } from "../error.js";

/** @import { WebGpu } from "../manifest.js" */

const OTHER_BACKENDS = "allow other backends in load()";

const SIZES = /** @type {const} */ (["maxBufferSize", "maxStorageBufferBindingSize", "maxStorageBuffersPerShaderStage"]);

/** A device, what became of it, and how many sessions use it. */
export class Device {
  #owned;
  #users = 1;
  /** @type {WebDnnError | undefined} why the device is gone */
  lost;

  /**
   * @param {GPUDevice} gpu
   * @param {boolean} owned whether it ends with the last session that uses it
   */
  constructor(gpu, owned) {
    this.gpu = gpu;
    this.#owned = owned;
    void gpu.lost.then(({ message, reason }) => {
      const hint = owned ? "run again: the session makes another device" : "load the model again, with another device";
      this.lost = new WebDnnError(`the GPU device was lost: ${message || reason}`, hint);
    });
  }

  /** Whether it computes in software. */
  get isFallback() {
    return this.gpu.adapterInfo?.isFallbackAdapter ?? false;
  }

  /** Whether it is gone, and sessions may have another in its place. */
  get replaceable() {
    return this.#owned && this.lost !== undefined;
  }

  /** @returns {boolean} whether there was a use left to join */
  join() {
    if (this.#users === 0 || this.lost) return false;
    this.#users++;
    return true;
  }

  /**
   * Does something with the device.
   * @template T
   * @param {() => T} action
   * @returns {[result: T, checked: Promise<void>]} what it gives, and what rejects if the device finds fault with it
   */
  begin(action) {
    this.gpu.pushErrorScope("internal");
    this.gpu.pushErrorScope("out-of-memory");
    this.gpu.pushErrorScope("validation");
    try {
      return [action(), this.#checked()];
    } catch (error) {
      this.#checked().catch(() => {});
      throw error;
    }
  }

  /**
   * Does something with the device, and rejects if the device finds fault with it.
   * @template T
   * @param {() => T} action
   * @returns {Promise<T>}
   */
  async scoped(action) {
    const [result, checked] = this.begin(action);
    await checked;
    return result;
  }

  /** Scopes are popped before anything is awaited: they may not enclose the work of others. */
  async #checked() {
    const faults = await Promise.all([0, 1, 2].map(() => this.gpu.popErrorScope()));
    const fault = faults.find((found) => found !== null);
    if (fault) throw new WebDnnError(`WebGPU reports: ${fault.message}`, OTHER_BACKENDS, fault);
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

  /** Ends the device with its last use, unless it is the page's. */
  release() {
    if (--this.#users === 0 && this.#owned) this.gpu.destroy();
  }
}

/** @type {Device | undefined} the last that was made for sessions */
let shared;
/** @type {Promise<unknown>} what was asked for so far */
let acquiring = Promise.resolve();

/**
 * @param {GPUDevice} [given]
 * @returns {GPU | undefined} what is needed if no device is given
 */
export function checkAvailable(given) {
  const gpu = globalThis.navigator?.gpu;
  if (given || gpu) return gpu;
  throw new WebDnnError("WebGPU is not available (it needs a secure context)", OTHER_BACKENDS);
}

/**
 * @param {WebGpu} section
 * @param {GPUDevice} [given] the page's device
 * @returns {Promise<Device>} to be released once
 */
export async function acquireDevice(section, given) {
  if (given) {
    const reason = lacking(section, given, "the given device");
    if (reason) throw new WebDnnError(reason, OTHER_BACKENDS);
    return new Device(given, false);
  }
  // One after another, so that what is loaded at the same time shares one device.
  const acquired = acquiring.then(() => sharedDevice(section));
  acquiring = acquired.catch(() => {});
  return acquired;
}

/** @param {WebGpu} section */
async function sharedDevice(section) {
  if (shared && !lacking(section, shared.gpu, "the device") && shared.join()) return shared;
  const adapter = await checkAvailable()?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new WebDnnError("WebGPU has no adapter", OTHER_BACKENDS);
  const reason = lacking(section, adapter, "the adapter");
  if (reason) throw new WebDnnError(reason, OTHER_BACKENDS);
  // What the bundle needs is there; variants of kernels may need more, and are timed by the GPU's own clock if it has one.
  const offered = [...section.features, "subgroups", "timestamp-query"].filter((feature) => adapter.features.has(feature));
  const requiredFeatures = /** @type {GPUFeatureName[]} */ (offered);
  const requiredLimits = offeredLimits(section, adapter);
  shared = new Device(await adapter.requestDevice({ requiredFeatures, requiredLimits }), true);
  return shared;
}

/**
 * As much as there is of what models need more or less of, so that others can share the device.
 * @param {WebGpu} section
 * @param {GPUAdapter} adapter
 */
function offeredLimits(section, adapter) {
  const needed = neededLimits(section);
  for (const name of SIZES) needed[name] = adapter.limits[name];
  return needed;
}

/**
 * @param {WebGpu} section
 * @returns {Record<string, number>}
 */
function neededLimits({ limits, arenaBytes, weightsBytes }) {
  const largest = Math.max(arenaBytes, weightsBytes, 4);
  return { ...limits, maxBufferSize: Math.max(limits.maxBufferSize ?? 0, Math.ceil(largest / 4) * 4) };
}

/**
 * @param {WebGpu} section
 * @param {{ limits: GPUSupportedLimits, features: GPUSupportedFeatures }} offered
 * @param {string} who
 * @returns {string | undefined} what the bundle needs and is not offered
 */
function lacking(section, offered, who) {
  const limits = /** @type {Record<string, number | undefined>} */ (/** @type {unknown} */ (offered.limits));
  for (const [name, needed] of Object.entries(neededLimits(section))) {
    const has = limits[name];
    // Limits called "min…" are alignments, where less is better.
    const met = has !== undefined && (name.startsWith("min") ? has <= needed : has >= needed);
    if (!met) return `the bundle needs ${name} ${needed}, and ${who} has ${has}`;
  }
  const missing = section.features.filter((feature) => !offered.features.has(feature));
  return missing.length > 0 ? `${who} lacks ${missing.join(", ")}` : undefined;
}
