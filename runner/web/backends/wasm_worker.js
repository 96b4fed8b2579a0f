/** @file One thread of the WebAssembly backend: it leads, and runs the program when told, or helps until all stop. */

const MOST_CHUNKS = 32;

/** @typedef {"load" | "run" | "stop"} Order */
/** @typedef {{ load?: () => void, run: () => void, work: (home: number) => void, stop: () => void }} Program */

/** @param {MessageEvent<{ module: WebAssembly.Module, memory: WebAssembly.Memory, thread: number, threads: number }>} event */
onmessage = async ({ data: { module, memory, thread, threads } }) => {
  try {
    const { exports } = await WebAssembly.instantiate(module, { webdnn: { memory } });
    const program = /** @type {Program} */ (/** @type {unknown} */ (exports));
    if (thread === 0) onmessage = (/** @type {MessageEvent<Order>} */ { data }) => lead(program, data);
    postMessage({});
    // Each thread looks first for its own part of the chunks.
    if (thread > 0) help(program, Math.floor((thread * MOST_CHUNKS) / threads) % MOST_CHUNKS);
  } catch (error) {
    postMessage({ error: String(error) });
  }
};

/**
 * @param {Program} program
 * @param {Order} order
 */
function lead(program, order) {
  if (order === "stop") return stop(program);
  answer(() => program[order]?.());
}

/** @param {() => void} action */
function answer(action) {
  try {
    action();
    postMessage({});
  } catch (error) {
    postMessage({ error: String(error) });
  }
}

/**
 * @param {Program} program
 * @param {number} home
 */
function help(program, home) {
  program.work(home);
  close();
}

/** @param {Program} program */
function stop(program) {
  program.stop();
  close();
}
