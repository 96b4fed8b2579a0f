/** @file A loaded model: checks what it is given, orders its runs, and makes its device anew when that is lost. */

import { reasonOf, WebDnnError } from "./error.js";
import { Inputs } from "./sizes.js";
import { filled } from "./tensors.js";

/** @import { BackendName, ImageInput, Input, Refusal, Result, Session, TypedArray } from "./index.js" */
/** @import { Executor, Value } from "./internal.js" */
/** @import { Manifest } from "./manifest.js" */

/** @typedef {"array" | "tensor" | "gpu-buffer"} OutputKind */
/** @typedef {TypedArray | Result | GPUBuffer} Output */
/** @typedef {TypedArray | GPUBuffer | ImageInput} Given an input that has been looked at */

const LOAD_AGAIN = "load the model again, or on another backend";

/** @implements {Session} */
export class RunnerSession {
  #executor;
  #createExecutor;
  #inputs;
  #tensors;
  /** @type {Promise<Executor> | undefined} one in place of one that is lost */
  #renewal;
  /** @type {Promise<void> | undefined} kernels being timed, which never rejects */
  #tuning;
  #disposal = new AbortController();
  /** @type {Set<Promise<unknown>>} the runs that have not ended, in order, which never reject */
  #pending = new Set();

  /**
   * @param {BackendName} backend
   * @param {Manifest} manifest
   * @param {ReadonlyArray<Refusal>} refusals
   * @param {Executor} executor
   * @param {() => Promise<Executor>} createExecutor makes another one
   */
  constructor(backend, manifest, refusals, executor, createExecutor) {
    this.backend = backend;
    this.#tensors = manifest.inputs;
    this.#inputs = new Inputs(manifest.inputs, manifest.dimensions);
    this.inputs = this.#inputs.own;
    this.dimensions = manifest.dimensions ?? [];
    this.outputs = manifest.outputs;
    this.refusals = refusals;
    this.threads = executor.threads ?? 1;
    this.#executor = executor;
    this.#createExecutor = createExecutor;
  }

  get device() {
    return this.#executor.gpu;
  }

  /**
   * @overload
   * @param {Readonly<Record<string, Input>>} inputs
   * @param {{ readonly outputs?: "array" }} [options]
   * @returns {Promise<Record<string, TypedArray>>}
   */
  /**
   * @overload
   * @param {Readonly<Record<string, Input>>} inputs
   * @param {{ readonly outputs: "gpu-buffer" }} options
   * @returns {Promise<Record<string, GPUBuffer>>}
   */
  /**
   * @param {Readonly<Record<string, Input>>} inputs
   * @param {{ readonly outputs?: OutputKind }} [options]
   * @returns {Promise<Record<string, Output>>}
   */
  async run(inputs, { outputs = "array" } = {}) {
    this.#checkUsable();
    this.#checkOutputs(outputs);
    return this.#ordered(inputs, outputs);
  }

  /**
   * @param {Readonly<Record<string, Input>>} inputs
   * @returns {Promise<Record<string, Result>>}
   */
  async runTensors(inputs) {
    this.#checkUsable();
    return /** @type {Record<string, Result>} */ (await this.#ordered(inputs, "tensor"));
  }

  /**
   * @param {Readonly<Record<string, Input>>} inputs
   * @param {OutputKind} outputs
   */
  async #ordered(inputs, outputs) {
    /** @type {Given[]} */
    const given = this.#inputs.inOrder(inputs, (value) => isImage(value) || (this.device !== undefined && isBuffer(value)));
    const depth = this.#executor.depth ?? 1;
    const atOnce = this.#pending.size < depth && !this.#executor.lost && given.every(isPlain);
    // A run that has to wait computes what the arrays held when it was asked for.
    const result = atOnce
      ? this.#execute(given.filter(isPlain), outputs)
      : this.#executeLater([...this.#pending].at(-depth), given.map(copied), outputs);
    /** @type {Promise<unknown>} */
    const ended = result.catch(() => {}).then(() => {
      this.#pending.delete(ended);
      this.#tune();
    });
    this.#pending.add(ended);
    return result;
  }

  /** @returns {Promise<void>} */
  async dispose() {
    const first = !this.#disposal.signal.aborted;
    this.#disposal.abort();
    await Promise.all([...this.#pending, this.#tuning]);
    if (first) this.#executor.dispose();
  }

  /**
   * @param {Promise<unknown> | undefined} before what has to end first
   * @param {Given[]} given
   * @param {OutputKind} outputs
   */
  async #executeLater(before, given, outputs) {
    await before;
    this.#checkUsable();
    if (this.#executor.lost) await this.#renew();
    return this.#execute(await this.#withPictures(given), outputs);
  }

  /**
   * @param {Value[]} values
   * @param {OutputKind} outputs
   * @returns {Promise<Record<string, Output>>}
   */
  async #execute(values, outputs) {
    try {
      const executor = this.#executor;
      const buffers = outputs === "gpu-buffer" ? await executor.runToBuffers?.(values) : undefined;
      if (buffers) return this.#named(buffers);
      const results = await executor.run(values);
      const found = results.map((result, i) => filled(this.outputs[i], result, results));
      return this.#named(outputs === "tensor" ? found : found.map(({ data }) => data));
    } catch (error) {
      if (error instanceof WebDnnError) throw error;
      throw new WebDnnError(`${this.backend} failed: ${reasonOf(error)}`, LOAD_AGAIN, error);
    }
  }

  /** Has kernels timed once there are results, in moments in which the page waits for nothing. */
  #tune() {
    const { signal } = this.#disposal;
    // Once: if the device was lost meanwhile, it may be lost again.
    if (this.#tuning || signal.aborted || !this.#executor.tune) return;
    const idle = () => import("./idle.js").then(({ idle }) => idle(this.#pending, signal));
    this.#tuning = this.#executor.tune({ signal, idle });
  }

  /** Has the device, the kernels and the weights made anew, once for all runs that wait for it. */
  async #renew() {
    this.#renewal ??= this.#createExecutor();
    const renewal = this.#renewal;
    try {
      const renewed = await renewal;
      if (this.#renewal !== renewal) return;
      this.#executor.dispose();
      this.#executor = renewed;
    } catch (error) {
      const what = `the GPU was lost, and ${this.backend} could not be set up again: ${reasonOf(error)}`;
      throw new WebDnnError(what, "run again later, or load the model on another backend", error);
    } finally {
      if (this.#renewal === renewal) this.#renewal = undefined;
    }
  }

  /**
   * @param {Given[]} given
   * @returns {Promise<Value[]>}
   */
  async #withPictures(given) {
    if (given.every(isPlain)) return given;
    const { Picture } = await import("./images.js");
    return given.map((value, i) => {
      if (isPlain(value)) return value;
      const picture = new Picture(this.#tensors[i], value);
      return this.#executor.readsImages ? picture : picture.array();
    });
  }

  /**
   * @param {ReadonlyArray<Output>} results
   * @returns {Record<string, Output>}
   */
  #named(results) {
    return Object.fromEntries(this.outputs.map(({ name }, i) => [name, results[i]]));
  }

  #checkUsable() {
    if (this.#disposal.signal.aborted) throw new WebDnnError("the session is disposed", "load the model again");
  }

  /** @param {OutputKind} outputs */
  #checkOutputs(outputs) {
    if (outputs === "array" || (outputs === "gpu-buffer" && this.device)) return;
    const what = `${this.backend} gives no outputs of kind '${String(outputs)}'`;
    throw new WebDnnError(what, 'ask for "array", or on WebGPU for "gpu-buffer"');
  }
}

/**
 * @param {unknown} value
 * @returns {value is ImageInput}
 */
function isImage(value) {
  return value !== null && typeof value === "object" && "source" in value;
}

/**
 * @param {unknown} value
 * @returns {value is GPUBuffer}
 */
function isBuffer(value) {
  return Object.prototype.toString.call(value) === "[object GPUBuffer]";
}

/**
 * @param {Given} value
 * @returns {value is TypedArray | GPUBuffer}
 */
function isPlain(value) {
  return !isImage(value);
}

/** @param {Given} value */
function copied(value) {
  return ArrayBuffer.isView(value) ? value.slice() : value;
}
