/** @file Sessions whose device is lost, shared, or used by runs that overlap. */

import { load } from "/runner/index.js";
import { counted, watched } from "/test/watch.js";

const X = Float32Array.of(1, -2, 3, -4, 5, -6);

const outcome = (run) => run.then(({ y }) => [...y], ({ name, message }) => `${name}: ${message}`);

const later = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Loses the devices of all sessions that there are, by what the page has seen of them. */
async function withLoss(action) {
  const contexts = [];
  const devices = [];
  const { getContext } = OffscreenCanvas.prototype;
  const { requestDevice } = GPUAdapter.prototype;
  OffscreenCanvas.prototype.getContext = function (...options) {
    const context = getContext.apply(this, options);
    if (options[0].startsWith("webgl")) contexts.push(context);
    return context;
  };
  GPUAdapter.prototype.requestDevice = async function (...options) {
    const device = await requestDevice.apply(this, options);
    devices.push(device);
    return device;
  };
  const lose = () => {
    contexts.splice(0).forEach((context) => context.getExtension("WEBGL_lose_context").loseContext());
    devices.splice(0).forEach((device) => device.destroy());
  };
  try {
    return await action(lose);
  } finally {
    OffscreenCanvas.prototype.getContext = getContext;
    GPUAdapter.prototype.requestDevice = requestDevice;
  }
}

/** Loses the device between two runs, and again while two are in progress and one waits. */
export function lose(url, backend) {
  return watched(({ calls }) =>
    withLoss(async (lose) => {
      const session = await load(url, { backends: [backend] });
      const x = X.slice();
      const results = [await outcome(session.run({ x }))];
      lose();
      await later();
      const again = session.run({ x });
      x.fill(0);
      results.push(await outcome(again));
      const fetched = counted(calls.filter((call) => call.startsWith("fetch")));
      const runs = [session.run({ x: X }), session.run({ x: X }), session.run({ x: X })];
      lose();
      results.push(...(await Promise.all(runs.map(outcome))));
      await later();
      results.push(...(await Promise.all([session.run({ x: X }), session.run({ x: X })].map(outcome))));
      await session.dispose();
      return { results, fetched };
    }),
  );
}

/** Loses the device while the network is gone, and computes when it is back. */
export function loseOffline(url, backend) {
  return withLoss(async (lose) => {
    const session = await load(url, { backends: [backend] });
    lose();
    await later();
    const { fetch } = globalThis;
    globalThis.fetch = () => Promise.reject(new TypeError("offline"));
    const results = [await outcome(session.run({ x: X }))];
    globalThis.fetch = fetch;
    results.push(await outcome(session.run({ x: X })));
    await session.dispose();
    return { results };
  });
}

/** Three sessions at a time: one is disposed, then the device is lost under the others. */
export function share(url, backend) {
  return watched(({ left }) =>
    withLoss(async (lose) => {
      const load1 = () => load(url, { backends: [backend] });
      const sessions = await Promise.all([load1(), load1(), load1()]);
      const results = await Promise.all(sessions.map((session, i) => outcome(session.run({ x: X.map((v) => v * i) }))));
      await sessions[0].dispose();
      results.push(...(await Promise.all(sessions.slice(1).map((session) => outcome(session.run({ x: X }))))));
      lose();
      await later();
      results.push(...(await Promise.all(sessions.slice(1).map((session) => outcome(session.run({ x: X }))))));
      const shared = sessions[1].device === sessions[2].device;
      await sessions[1].dispose();
      results.push(await outcome(sessions[2].run({ x: X })));
      await sessions[2].dispose();
      return { results, shared, alive: left() };
    }),
  );
}

/** Sessions of several bundles, one after another, and a run of each when all are loaded. */
export function beside(urls) {
  return watched(async () => {
    const sessions = [];
    for (const url of urls) sessions.push(await load(url, { backends: ["webgpu"] }));
    const results = await Promise.all(sessions.map((session) => outcome(session.run({ x: X }))));
    const shared = new Set(sessions.map(({ device }) => device)).size === 1;
    for (const session of sessions) await session.dispose();
    return { results, shared };
  });
}

/** A session whose loading fails leaves the other one alone. */
export function failBeside(url, broken, backend) {
  return watched(async () => {
    const session = await load(url, { backends: [backend] });
    const [failed, y] = await Promise.all([
      load(broken, { backends: [backend] }).then(() => "", ({ message }) => message),
      outcome(session.run({ x: X })),
    ]);
    const results = [y, await outcome(session.run({ x: X }))];
    await session.dispose();
    return { results, failed };
  });
}

/** Many runs, a few at a time: the handles that are alive before and after them. */
export function endure(url, backend, runs) {
  return watched(async ({ left }) => {
    const session = await load(url, { backends: [backend] });
    const inputs = Object.fromEntries(
      session.inputs.map(({ name, shape }) => [name, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5)]),
    );
    const some = async (count) => {
      for (let i = 0; i < count; i += 2) await Promise.all([session.run(inputs), session.run(inputs)]);
    };
    await some(4);
    const before = left();
    await some(runs);
    const after = left();
    await session.dispose();
    return { before, after };
  });
}

/** What loading calls, and then a run. */
export function steps(url, backend) {
  return watched(async ({ calls }) => {
    const session = await load(url, { backends: [backend] });
    const loading = calls.splice(0);
    await session.run({ x: X });
    const running = calls.splice(0);
    const runs = [session.run({ x: X }), session.run({ x: X }), session.run({ x: X })];
    const begun = calls.splice(0);
    const results = await Promise.all(runs.map(outcome));
    const rest = calls.splice(0);
    await session.dispose();
    return { results, order: loading, loading: counted(loading), running: counted(running), begun: counted(begun), rest: counted(rest) };
  });
}
