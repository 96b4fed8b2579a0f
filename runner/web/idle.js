/** @file Moments in which a page has nothing else to do. */

/** Milliseconds between what a page does, where the browser does not tell when it is idle. */
const LATER = 50;

/**
 * @param {ReadonlySet<Promise<unknown>>} pending what has to end before, and never rejects
 * @param {AbortSignal} signal ends the waiting, which then rejects
 */
export async function idle(pending, signal) {
  do {
    await Promise.all(pending);
    await moment(signal);
    signal.throwIfAborted();
  } while (pending.size > 0);
}

/** @param {AbortSignal} signal */
async function moment(signal) {
  /** @type {() => void} */
  let ended = () => {};
  await new Promise((resolve) => {
    ended = () => resolve(undefined);
    signal.addEventListener("abort", ended);
    if ("requestIdleCallback" in globalThis) requestIdleCallback(ended);
    else setTimeout(ended, LATER);
  });
  signal.removeEventListener("abort", ended);
}
