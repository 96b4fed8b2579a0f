/** @file The launches of a run in order: those that the manifest lists, and again those that its loops repeat. */

/** @import { Counter, Repeat } from "../manifest.js" */

/**
 * @template {{ readonly counters: ReadonlyArray<Counter> }} Launch
 * @typedef {{ index: number, launch: Launch, counters: number[] }} Made the place of a launch in the list, and what its
 * counters are
 */

/**
 * @template {{ readonly counters: ReadonlyArray<Counter> }} Launch
 * @param {ReadonlyArray<Launch>} launches
 * @param {ReadonlyArray<Repeat>} loops
 * @returns {Made<Launch>[]}
 */
export function unrolled(launches, loops) {
  /** @type {Made<Launch>[]} */
  const made = [];
  /**
   * @param {number} first
   * @param {number} end
   * @param {ReadonlyArray<Repeat>} inside loops that may begin here, outer ones first
   * @param {number[]} trips of the loops around
   */
  const run = (first, end, inside, trips) => {
    for (let index = first; index < end; ) {
      const found = inside.findIndex((loop) => loop.first === index);
      if (found < 0) {
        const launch = launches[index];
        made.push({ index, launch, counters: launch.counters.map((counter) => valueOf(counter, trips)) });
        index++;
        continue;
      }
      const loop = inside[found];
      const inner = inside.slice(found + 1);
      for (let trip = 0; trip < loop.trips; trip++) run(index, index + loop.count, inner, [...trips, trip]);
      index += loop.count;
    }
  };
  run(0, launches.length, loops, []);
  return made;
}

/**
 * @param {Counter} counter
 * @param {number[]} trips
 */
function valueOf({ offset, factors }, trips) {
  return factors.reduce((sum, factor, i) => sum + factor * trips[i], offset);
}
