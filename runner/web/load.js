/** @file Loads a bundle on the first backend that accepts it. */

import { Bundle, fetchBytes } from "./bundle.js";
import { BundleError, reasonOf, WebDnnError } from "./error.js";
import { RunnerSession } from "./session.js";
import { zeros } from "./tensors.js";

/** @import { BackendName, BackendRequest, LoadOptions, Refusal } from "./index.js" */
/** @import { Backend } from "./internal.js" */
/** @import { Backends, Manifest } from "./manifest.js" */

/** @type {Record<BackendName, { section: keyof Backends, load: () => Promise<Backend> }>} */
const BACKENDS = {
  webgpu: { section: "webgpu", load: () => import("./backends/webgpu.js") },
  webgl2: { section: "webgl", load: () => import("./backends/webgl.js") },
  webgl1: { section: "webgl", load: () => import("./backends/webgl.js") },
  wasm: { section: "wasm", load: () => import("./backends/wasm.js") },
  js: { section: "js", load: () => import("./backends/js.js") },
};

/** @type {ReadonlyArray<BackendRequest>} */
const DEFAULT_ORDER = ["webgpu", "webgl", "wasm", "js"];

/** @type {typeof import("./index.js").load} */
export async function load(url, options = {}) {
  try {
    const names = backendNames(options.backends ?? DEFAULT_ORDER);
    checkOptions(options);
    const base = baseOf(url);
    // The first backend's modules come together with the manifest; if they do not, it is refused later.
    BACKENDS[names[0]].load().catch(() => {});
    return await firstAccepted(names, base, await readManifest(base, options.signal), options);
  } catch (error) {
    if (options.signal?.aborted) {
      throw new WebDnnError("loading was aborted", "call load() again", options.signal.reason);
    }
    if (error instanceof WebDnnError) throw error;
    const hint = "check the arguments of load(), and compile the bundle again";
    throw new WebDnnError(`the bundle could not be loaded: ${reasonOf(error)}`, hint, error);
  }
}

/**
 * @param {BackendName[]} names
 * @param {URL} base
 * @param {Manifest} manifest
 * @param {LoadOptions} options
 */
async function firstAccepted(names, base, manifest, options) {
  /** @type {Refusal[]} */
  const refusals = [];
  for (const name of names) {
    try {
      const executor = await create(name, base, manifest, options);
      const { device, threads, tune } = options;
      const again = () => create(name, base, manifest, { device, threads, tune });
      return new RunnerSession(name, manifest, refusals, executor, again);
    } catch (error) {
      if (error instanceof BundleError || options.signal?.aborted) throw error;
      refusals.push({ backend: name, reason: reasonOf(error) });
    }
  }
  const reasons = refusals.map(({ backend, reason }) => `${backend}: ${reason}`).join("; ");
  const hint = "compile the bundle for more targets, or allow more backends in load()";
  throw new WebDnnError(`no backend can run '${manifest.name}': ${reasons}`, hint);
}

/**
 * @param {BackendName} name
 * @param {URL} base
 * @param {Manifest} manifest
 * @param {LoadOptions} options
 */
async function create(name, base, manifest, { device, onProgress, signal, threads, tune, warmUp }) {
  const { section, load: loadBackend } = BACKENDS[name];
  if (!manifest.backends[section]) {
    throw new WebDnnError(`the bundle was not compiled for ${section}`, `compile it for ${section} too`);
  }
  // A backend that is refused stops its own downloads; those of the next one go on.
  const attempt = new AbortController();
  const abort = () => attempt.abort(signal?.reason);
  signal?.addEventListener("abort", abort);
  try {
    const bundle = new Bundle(base, manifest, { onProgress, signal: attempt.signal });
    const executor = await (await loadBackend()).create({ name, bundle, device, threads, tune, warmUp });
    try {
      if (warmUp) await executor.run(manifest.inputs.map(zeros));
      if (tune === "now") await executor.tune?.({ signal, idle: async () => signal?.throwIfAborted() });
      signal?.throwIfAborted();
      return executor;
    } catch (error) {
      executor.dispose();
      throw error;
    }
  } catch (error) {
    abort();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** @param {LoadOptions} options */
function checkOptions({ threads = 1, tune = "never" }) {
  if (!Number.isInteger(threads) || threads < 1) {
    throw new WebDnnError(`threads is ${threads}`, "give a whole number from 1, or leave it out");
  }
  if (!["background", "now", "never"].includes(tune)) {
    throw new WebDnnError(`tune is '${tune}'`, 'give "background", "now" or "never"');
  }
}

/**
 * @param {ReadonlyArray<BackendRequest>} requests
 * @returns {BackendName[]}
 */
function backendNames(requests) {
  /** @type {BackendName[]} */
  const names = requests.flatMap((request) => (request === "webgl" ? ["webgl2", "webgl1"] : [request]));
  const known = Object.keys(BACKENDS);
  const unknown = names.filter((name) => !known.includes(name));
  if (names.length === 0 || unknown.length > 0) {
    const what = names.length === 0 ? "no backend is named" : `there is no backend '${unknown.join("', '")}'`;
    throw new WebDnnError(what, `name some of webgl, ${known.join(", ")}`);
  }
  return [...new Set(names)];
}

/**
 * @param {string | URL} url a directory or its model.json
 * @returns {URL} the directory, with a slash
 */
function baseOf(url) {
  const here = globalThis.document?.baseURI ?? globalThis.location?.href ?? `file://${globalThis.process?.cwd()}/`;
  const base = new URL(url, here);
  base.search = base.hash = "";
  base.pathname = base.pathname.replace(/\/?(model\.json)?$/, "/");
  return base;
}

/**
 * @param {URL} base
 * @param {AbortSignal} [signal]
 * @returns {Promise<Manifest>}
 */
async function readManifest(base, signal) {
  const url = new URL("model.json", base);
  const content = await fetchBytes(url, signal);
  /** @type {unknown} */
  let parsed;
  try {
    parsed = JSON.parse(new TextDecoder().decode(content));
  } catch (error) {
    throw new BundleError(`${url.href} is not JSON`, "check the address: it should be a bundle's directory", error);
  }
  const manifest = /** @type {Manifest | null} */ (parsed);
  if (manifest?.format !== "webdnn-bundle") {
    throw new BundleError(`${url.href} is not the manifest of a bundle`, "check the address");
  }
  /** @type {number} */
  const version = manifest.version;
  if (version !== 1) {
    const hint = "use the runner that was published with that version of the compiler";
    throw new BundleError(`the bundle has version ${version}, and this runner reads version 1`, hint);
  }
  return manifest;
}
