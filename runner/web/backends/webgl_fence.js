/** @file Waits until a GPU has done something, without asking it so often that it takes longer. */

/** The share of the shortest time known that passes before the first question. */
const SURELY = 0.8;

/** After that a question each time that so much of what was waited has passed again. */
const AGAIN = 1 / 32;

/** Milliseconds that are not worth a timer, which browsers delay by up to four. */
const SHORT = 3;

/** Waits for what takes about as long each time, as runs of a model do. */
export class Fence {
  /** Milliseconds of the quickest so far, and how many there were: the first of all takes longer than the others. */
  #shortest = Infinity;
  #count = 0;

  /**
   * Every question takes time of the process that draws, which in software is what computes.
   * @param {() => boolean} done asks, or throws
   */
  async passed(done) {
    const begun = performance.now();
    for (let waited = 0; !done(); waited = performance.now() - begun) await later(this.pause(waited));
    this.#shortest = Math.min(this.#shortest, performance.now() - begun);
    this.#count++;
  }

  /**
   * @param {number} waited milliseconds so far
   * @returns {number} milliseconds until the next question
   */
  pause(waited) {
    const expected = this.#count > 1 ? SURELY * this.#shortest : 0;
    return Math.max(expected - waited, waited * AGAIN);
  }
}

/** @param {number} milliseconds */
function later(milliseconds) {
  // Timers of pages that nobody sees come by the second.
  if (milliseconds < SHORT || globalThis.document?.hidden) return nextTask();
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** @type {Array<() => void>} */
const waiting = [];
/** @type {MessageChannel | undefined} one for all: a run may wait thousands of times */
let channel;

/** @returns {Promise<void>} the next task, without the delay that timers have */
export function nextTask() {
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  const { port2 } = channel;
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(null);
  });
}
