/** @file Several threads over one shared memory: the first worker leads, the others help, and this one never waits. */

import { WebDnnError } from "../error.js";

/** @import { WasmEngine } from "../internal.js" */

/**
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory} memory
 * @param {number} threads
 * @returns {Promise<WasmEngine>}
 */
export async function startThreads(module, memory, threads) {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL("./wasm_worker.js", import.meta.url), { type: "module" }),
  );
  const team = new Team(workers);
  await Promise.all(workers.map((worker, i) => team.ask(worker, { module, memory, thread: i, threads })));
  const [leader] = workers;
  return {
    bytes: new Uint8Array(memory.buffer),
    threads,
    load: () => team.ask(leader, "load"),
    run: () => team.ask(leader, "run"),
    dispose: () => leader.postMessage("stop"),
  };
}

/** Workers that answer every message, until one of them fails: then all are ended, since they wait for one another. */
class Team {
  /** @type {WebDnnError | undefined} */
  #failure;
  /** @type {Set<(error: WebDnnError) => void>} the rejections of what has no answer yet */
  #waiting = new Set();

  /** @param {ReadonlyArray<Worker>} workers */
  constructor(workers) {
    this.workers = workers;
    for (const worker of workers) {
      worker.onerror = (event) => {
        event.preventDefault();
        this.#fail(event.message ?? "its script could not be loaded");
      };
    }
  }

  /**
   * @param {Worker} worker
   * @param {unknown} message
   * @returns {Promise<void>}
   */
  ask(worker, message) {
    return new Promise((resolve, reject) => {
      if (this.#failure) throw this.#failure;
      this.#waiting.add(reject);
      worker.onmessage = (/** @type {MessageEvent<{ error?: string }>} */ { data: { error } }) => {
        if (error !== undefined) return this.#fail(error);
        this.#waiting.delete(reject);
        resolve();
      };
      worker.postMessage(message);
    });
  }

  /** @param {string} reason */
  #fail(reason) {
    this.#failure ??= new WebDnnError(`a thread failed: ${reason}`, "load the model again, perhaps with threads: 1");
    for (const worker of this.workers) worker.terminate();
    for (const reject of this.#waiting) reject(this.#failure);
    this.#waiting.clear();
  }
}
