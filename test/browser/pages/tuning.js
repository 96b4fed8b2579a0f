/** @file Sessions that time variants of kernels, by a clock that their launches move. */

import { load } from "/runner/index.js";
import { counted, watched } from "/test/watch.js";

const X = Float32Array.of(1, -2, 3, -4, 5, -6);
const BACKENDS = { backends: ["webgpu"] };

/** Milliseconds of a launch by the names of kernels; others take none. */
const COSTS = { relu: 5, relu_alone: 6, relu_tiles32: 1 };

const later = (milliseconds = 20) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Changes properties, does something, and restores them. */
async function changed(changes, action) {
  const undo = changes.map(([object, name, change]) => {
    const before = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, { configurable: true, ...change(before) });
    return () => (before ? Object.defineProperty(object, name, before) : delete object[name]);
  });
  try {
    return await action();
  } finally {
    undo.reverse().forEach((restore) => restore());
  }
}

const calling = (object, name, wrap) => [object, name, ({ value }) => ({ value: wrap(value) })];

/**
 * Does something where launches move the clock: `launched` and `compiled` list the names of kernels so far, and `onLaunch`
 * is told each.
 */
async function withClock({ costs = COSTS, fallback = true, timestamps = false, indexed = true, lacking = [] }, action) {
  const names = new WeakMap();
  const seen = { launched: [], compiled: [], onLaunch: () => {} };
  let clock = 0;
  let current;
  const clocked = [
    [performance, "now", () => ({ value: () => clock })],
    calling(GPUSupportedFeatures.prototype, "has", (has) => function (name) {
      return !["timestamp-query", ...lacking].includes(name) && has.call(this, name);
    }),
  ];
  const changes = [
    ...(timestamps ? [] : clocked),
    ...(indexed ? [] : [[globalThis, "indexedDB", () => ({ value: undefined })]]),
    [GPUAdapterInfo.prototype, "isFallbackAdapter", () => ({ get: () => fallback })],
    calling(GPUDevice.prototype, "createComputePipelineAsync", (create) => async function (given) {
      seen.compiled.push(given.compute.entryPoint);
      const pipeline = await create.call(this, given);
      names.set(pipeline, given.compute.entryPoint);
      return pipeline;
    }),
    calling(GPUComputePassEncoder.prototype, "setPipeline", (set) => function (pipeline) {
      current = names.get(pipeline);
      set.call(this, pipeline);
    }),
    calling(GPUComputePassEncoder.prototype, "dispatchWorkgroups", (dispatch) => function (...groups) {
      dispatch.apply(this, groups);
      clock += costs[current] ?? 0;
      seen.launched.push(current);
      seen.onLaunch(current);
    }),
  ];
  await forget();
  return changed(changes, () => action(seen));
}

// What the browser keeps.

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const forget = () => settled(indexedDB.deleteDatabase("webdnn"));

async function withStore(action) {
  const request = indexedDB.open("webdnn", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("variants");
  const database = await settled(request);
  try {
    return await action(database.transaction("variants", "readwrite").objectStore("variants"));
  } finally {
    database.close();
  }
}

/** What is kept, as pairs of a kernel and a variant. */
const kept = () =>
  withStore(async (store) => {
    const [keys, names] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
    return keys.map(([, , entry], i) => [entry, names[i]]);
  });

/** Keeps a name as another session would have, or for another kernel, adapter or bundle. */
async function keepName(url, name, { bundle, adapter, entry = "relu", sources = "wgsl.json" } = {}) {
  const { files } = await (await fetch(`${url}model.json`)).json();
  const { vendor, architecture, device, description } = (await navigator.gpu.requestAdapter()).info;
  const identity = adapter ?? [vendor, architecture, device, description].join("|");
  await withStore((store) => settled(store.put(name, [bundle ?? files[sources].sha256, identity, entry])));
}

async function untilKept() {
  while ((await kept()).length === 0) await later();
}

/** A run: what it gave, and what it launched. */
async function run(session, seen) {
  seen.launched.length = 0;
  const { y } = await session.run({ x: X });
  return { y: [...y], launched: [...seen.launched] };
}

// The cases.

/** A session that chooses at once, and another one after it. */
export function now(url, options = {}) {
  return withClock(options, async (seen) => {
    const first = await load(url, { ...BACKENDS, tune: "now" });
    const timed = counted(seen.launched);
    const ran = await run(first, seen);
    await first.dispose();
    const stored = options.indexed === false ? [] : await kept();
    seen.launched.length = seen.compiled.length = 0;
    const second = await load(url, { ...BACKENDS, tune: "now" });
    const again = { compiled: seen.compiled.sort(), timed: counted(seen.launched) };
    const result = { timed, first: ran, stored, second: { ...again, ...(await run(second, seen)) } };
    await second.dispose();
    return result;
  });
}

/** Sessions that find something kept. */
export function found(url, name, where, tune) {
  return withClock({}, async (seen) => {
    await keepName(url, name, where);
    const session = await load(url, { ...BACKENDS, tune });
    const result = { compiled: seen.compiled.sort(), ...(await run(session, seen)) };
    await session.dispose();
    return result;
  });
}

/** A store that another program has made. */
export function foreign(url) {
  return withClock({}, async (seen) => {
    (await settled(indexedDB.open("webdnn", 7))).close();
    const session = await load(url, { ...BACKENDS, tune: "now" });
    const result = await run(session, seen);
    await session.dispose();
    await forget();
    return result;
  });
}

/** A session that chooses in the background, if it does: runs before and after. */
export function background(url, tune, fallback = false) {
  return withClock({ fallback }, async (seen) => {
    const session = await load(url, { ...BACKENDS, tune });
    const loading = seen.launched.length;
    const first = await run(session, seen);
    await (fallback || tune === "never" ? later(200) : untilKept());
    const timed = counted(seen.launched);
    const second = await run(session, seen);
    await session.dispose();
    return { loading, first, timed, second, stored: await kept() };
  });
}

/** Something that happens while a session times: it is disposed, its device is lost, or it runs. */
export async function interrupted(url, what) {
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const uncaptured = [];
  device.onuncapturederror = ({ error }) => uncaptured.push(error.message);
  const given = what === "lose" ? {} : { device };
  const answer = await watched(() =>
    withClock({ fallback: false }, async (seen) => {
      const session = await load(url, { ...BACKENDS, ...given });
      const first = await run(session, seen);
      const happened = new Promise((resolve) => {
        let count = 0;
        seen.onLaunch = () => {
          if (++count !== 3) return;
          const actions = { dispose: () => session.dispose(), lose: () => session.device.destroy(), run: () => session.run({ x: X }) };
          resolve(Promise.resolve(actions[what]()).catch((error) => error.message));
        };
      });
      await happened;
      if (what === "dispose") {
        const count = seen.launched.length;
        await later(100);
        return { first, more: seen.launched.length - count, stored: await kept() };
      }
      if (what === "lose") {
        await later();
        const second = await run(session, seen);
        const count = seen.launched.length;
        await later(100);
        await session.dispose();
        return { first, second, more: seen.launched.length - count, stored: await kept() };
      }
      const second = await run(session, seen);
      await untilKept();
      const third = await run(session, seen);
      await session.dispose();
      return { first, second, third, stored: await kept() };
    }),
  );
  device.destroy();
  return { ...answer, uncaptured };
}

/** Two sessions that are loaded at once. */
export function together(url) {
  return withClock({}, async (seen) => {
    const both = [load(url, { ...BACKENDS, tune: "now" }), load(url, { ...BACKENDS, tune: "now" })];
    const sessions = await Promise.all(both);
    const compiled = counted(seen.compiled);
    const results = [await run(sessions[0], seen), await run(sessions[1], seen)];
    for (const session of sessions) await session.dispose();
    return { compiled, results };
  });
}

/** Loading that is aborted while it times. */
export function aborted(url) {
  return watched(() =>
    withClock({}, async (seen) => {
      const controller = new AbortController();
      seen.onLaunch = () => controller.abort();
      const loading = load(url, { ...BACKENDS, tune: "now", signal: controller.signal });
      return { failed: await loading.then(() => "", ({ message }) => message), stored: await kept() };
    }),
  );
}

/** The GPU's own clock, whatever it says. */
export function timestamps(url) {
  return watched(() =>
    withClock({ timestamps: true }, async (seen) => {
      const session = await load(url, { ...BACKENDS, tune: "now" });
      const result = { first: await run(session, seen), stored: await kept() };
      await session.dispose();
      return result;
    }),
  );
}

/** A run with each of the variants that are named, of the kernel that has them. */
export function each(url, variants) {
  return withClock({ fallback: false }, async (seen) => {
    const { backends } = await (await fetch(`${url}model.json`)).json();
    const { pipelines, dispatches, sources } = backends.webgpu;
    const { entry } = pipelines[dispatches.find(({ variant }) => variant).pipeline];
    const results = [];
    for (const name of variants) {
      await keepName(url, name, { entry, sources });
      const session = await load(url, BACKENDS);
      seen.launched.length = 0;
      const inputs = session.inputs.map((input) => [
        input.name,
        Float32Array.from({ length: input.shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 37) % 64) / 32 - 1),
      ]);
      const [y] = Object.values(await session.run(Object.fromEntries(inputs)));
      results.push({ y: [...y], launched: [...seen.launched] });
      await session.dispose();
    }
    return { results };
  });
}

/** What is wrong with an option. */
export function refused(url, tune) {
  return load(url, { ...BACKENDS, tune }).then(() => ({}), ({ message, hint }) => ({ failed: message, hint }));
}
