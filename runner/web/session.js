/** @file A loaded model: checks what it is given, and runs one inference at a time. */

import { reasonOf, WebDnnError } from "./error.js";
import { checkArray, filled } from "./tensors.js";

/** @import { BackendName, Refusal, Session, TypedArray } from "./index.js" */
/** @import { Executor } from "./internal.js" */
/** @import { Manifest } from "./manifest.js" */

/** @implements {Session} */
export class RunnerSession {
  #executor;
  #disposed = false;
  #waiting = 0;
  /** @type {Promise<unknown>} the runs asked for so far, which never rejects */
  #runs = Promise.resolve();

  /**
   * @param {BackendName} backend
   * @param {Manifest} manifest
   * @param {ReadonlyArray<Refusal>} refusals
   * @param {Executor} executor
   */
  constructor(backend, manifest, refusals, executor) {
    this.backend = backend;
    this.inputs = manifest.inputs;
    this.outputs = manifest.outputs;
    this.refusals = refusals;
    this.threads = executor.threads ?? 1;
    this.#executor = executor;
  }

  /**
   * @param {Readonly<Record<string, TypedArray>>} inputs
   * @returns {Promise<Record<string, TypedArray>>}
   */
  async run(inputs) {
    this.#checkUsable();
    const values = this.#inOrder(inputs);
    // A run that has to wait computes what the arrays held when it was asked for.
    const result =
      this.#waiting === 0 ? this.#execute(values) : this.#executeLater(values.map((array) => array.slice()));
    this.#waiting++;
    this.#runs = result.catch(() => {}).then(() => this.#waiting--);
    return result;
  }

  /** @returns {Promise<void>} */
  async dispose() {
    const first = !this.#disposed;
    this.#disposed = true;
    await this.#runs;
    if (first) this.#executor.dispose();
  }

  /** @param {TypedArray[]} values */
  async #executeLater(values) {
    await this.#runs;
    this.#checkUsable();
    return this.#execute(values);
  }

  /** @param {TypedArray[]} values */
  async #execute(values) {
    try {
      const results = await this.#executor.run(values);
      return Object.fromEntries(this.outputs.map((tensor, i) => [tensor.name, filled(tensor, results[i], results)]));
    } catch (error) {
      if (error instanceof WebDnnError) throw error;
      const hint = "load the model again, or on another backend";
      throw new WebDnnError(`${this.backend} failed: ${reasonOf(error)}`, hint, error);
    }
  }

  #checkUsable() {
    if (this.#disposed) throw new WebDnnError("the session is disposed", "load the model again");
  }

  /**
   * @param {Readonly<Record<string, TypedArray>>} inputs
   * @returns {TypedArray[]}
   */
  #inOrder(inputs) {
    const expected = this.inputs.map((tensor) => tensor.name);
    const hint = `the inputs are ${expected.join(", ")}`;
    const given = Object.keys(inputs ?? {});
    const unknown = given.filter((name) => !expected.includes(name));
    if (unknown.length > 0) throw new WebDnnError(`there is no input '${unknown.join("', '")}'`, hint);
    const missing = expected.filter((name) => !given.includes(name));
    if (missing.length > 0) throw new WebDnnError(`input '${missing.join("', '")}' is missing`, hint);
    return this.inputs.map((tensor) => checkArray(tensor, inputs[tensor.name]));
  }
}
