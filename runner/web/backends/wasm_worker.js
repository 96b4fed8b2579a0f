/** @file One thread of the WebAssembly backend: it leads, and runs the program when told, or helps until all stop. */

/** @typedef {Record<"run" | "work" | "stop", () => void>} Program */

/** @param {MessageEvent<{ module: WebAssembly.Module, memory: WebAssembly.Memory, leads: boolean }>} event */
onmessage = async ({ data: { module, memory, leads } }) => {
  try {
    const { exports } = await WebAssembly.instantiate(module, { webdnn: { memory } });
    const program = /** @type {Program} */ (/** @type {unknown} */ (exports));
    if (leads) onmessage = ({ data }) => (data === "stop" ? stop(program) : answer(program.run));
    postMessage({});
    if (!leads) help(program);
  } catch (error) {
    postMessage({ error: String(error) });
  }
};

/** @param {() => void} action */
function answer(action) {
  try {
    action();
    postMessage({});
  } catch (error) {
    postMessage({ error: String(error) });
  }
}

/** @param {Program} program */
function help(program) {
  program.work();
  close();
}

/** @param {Program} program */
function stop(program) {
  program.stop();
  close();
}
