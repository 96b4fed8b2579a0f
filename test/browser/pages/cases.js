/** @file What the browser tests do in a page: each function answers something that Python can compare. */

import { load } from "/runner/index.js";

const X = Float32Array.of(1, -2, 3, -4, 5, -6);

const told = (error) => ({ name: error.name, message: error.message, hint: error.hint });

/** Loads and runs once. */
export async function compute(url, backends) {
  try {
    const session = await load(url, { backends });
    const { y } = await session.run({ x: X });
    await session.dispose();
    return { backend: session.backend, refusals: session.refusals, y: [...y] };
  } catch (error) {
    return { error: told(error) };
  }
}

/** Loads and runs in a worker. */
export function computeInWorker(url, backends) {
  return new Promise((resolve) => {
    const worker = new Worker("/test/worker.js", { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage([url, backends]);
  });
}

/** Three runs at once, whose input is overwritten meanwhile; perhaps the session is disposed before they end. */
export async function overlap(url, backend, disposing) {
  const session = await load(url, { backends: [backend] });
  const x = X.slice();
  const runs = [session.run({ x }), session.run({ x })];
  x.fill(0);
  runs.push(session.run({ x }));
  const disposed = disposing ? session.dispose() : undefined;
  const results = await Promise.all(runs.map((run) => run.then(({ y }) => [...y], (error) => error.message)));
  await (disposed ?? session.dispose());
  return { results };
}

/** Feeds what each run gives to the next one, as it is, and keeps all of it. */
export async function stream(url, backend, count) {
  const session = await load(url, { backends: [backend] });
  const states = [X];
  for (let i = 0; i < count; i++) states.push((await session.run({ x: states[i] })).y);
  await session.dispose();
  return { results: states.slice(1).map((y) => [...y]) };
}

/** Runs an integer that a GPU cannot hold, then one that it can. */
export async function largeInteger(url, backend, value) {
  const session = await load(url, { backends: [backend] });
  const m = Uint8Array.of(1, 1, 1);
  const h = "Float16Array" in globalThis ? new Float16Array(3) : new Uint16Array(3);
  const error = await session.run({ a: BigInt64Array.of(0n, BigInt(value), 0n), m, h }).catch(told);
  const { s } = await session.run({ a: BigInt64Array.of(1n, 2n, 3n), m, h });
  await session.dispose();
  return { error, s: [...s].map(Number) };
}

/** Hides extensions from WebGL, computes, and shows them again. */
export async function withoutExtensions(url, backend, hidden) {
  const prototype = (backend === "webgl2" ? WebGL2RenderingContext : WebGLRenderingContext).prototype;
  const { getExtension } = prototype;
  prototype.getExtension = function (name) {
    return hidden.includes(name) ? null : getExtension.call(this, name);
  };
  try {
    return await compute(url, [backend]);
  } finally {
    prototype.getExtension = getExtension;
  }
}

/** Computes on the page's own WebGPU device, disposes, uses the device, and loses it under a second session. */
export async function ownDevice(url) {
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const uncaptured = [];
  device.onuncapturederror = ({ error }) => uncaptured.push(error.message);
  const first = await load(url, { backends: ["webgpu"], device });
  const { y } = await first.run({ x: X });
  await first.dispose();
  const second = await load(url, { backends: ["webgpu"], device });
  const again = await second.run({ x: X });
  device.destroy();
  const error = await second.run({ x: X }).catch(told);
  return { results: [[...y], [...again.y]], error, uncaptured };
}

/** Every report of progress. */
export async function progress(url, backend) {
  const seen = [];
  const session = await load(url, { backends: [backend], onProgress: (report) => seen.push(report) });
  await session.dispose();
  return { reports: seen };
}

/** Aborts while the weights arrive. */
export async function abort(url, backend) {
  const controller = new AbortController();
  const onProgress = () => controller.abort();
  return { error: await load(url, { backends: [backend], signal: controller.signal, onProgress }).catch(told) };
}

/** The error of an eval, once the driver, which is above the page's policy, has let go. */
export async function evaluate() {
  await new Promise((resolve) => setTimeout(resolve, 0));
  try {
    return { result: (0, eval)("1") };
  } catch (error) {
    return { error: told(error) };
  }
}
