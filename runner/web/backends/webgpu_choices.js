/** @file Which variants of a bundle's kernels were found to be the fastest, on which adapter, as the browser keeps it. */

/** @import { Bundle } from "../bundle.js" */
/** @import { WebGpu } from "../manifest.js" */
/** @import { Device } from "./webgpu_device.js" */

/** @typedef {ReadonlyMap<string, string>} Choices names of variants, by the entry points of the kernels that have them */

const DATABASE = "webdnn";
const STORE = "variants";

/**
 * What is kept of a bundle's kernels, for a device. A browser that keeps nothing knows nothing.
 * @param {Bundle} bundle
 * @param {Promise<{ device: Device }> | { device: Device }} opening
 * @returns {Promise<Choices>}
 */
export async function read(bundle, opening) {
  const hash = hashOf(bundle);
  // Arrays come behind all texts.
  const found = withStore("readonly", async (store) => {
    const range = IDBKeyRange.bound([hash], [hash, []]);
    return Promise.all([resultOf(store.getAllKeys(range)), resultOf(store.getAll(range))]);
  }).catch(() => [[], []]);
  const [{ device }, [keys, names]] = await Promise.all([opening, found]);
  const own = identityOf(device);
  /** @type {Map<string, string>} */
  const choices = new Map();
  keys.forEach((key, i) => {
    const [, identity, entry] = /** @type {string[]} */ (key);
    if (identity === own) choices.set(entry, String(names[i]));
  });
  return choices;
}

/**
 * Keeps a choice, if the browser does: else it is found anew in the next session.
 * @param {Bundle} bundle
 * @param {Device} device
 * @param {string} entry
 * @param {string} name
 */
export async function keep(bundle, device, entry, name) {
  const key = [hashOf(bundle), identityOf(device), entry];
  await withStore("readwrite", (store) => resultOf(store.put(name, key))).catch(() => {});
}

/**
 * Of the texts of all kernels: another compilation may have others under the same names.
 * @param {Bundle} bundle
 */
function hashOf({ manifest: { backends, files } }) {
  const { sources } = /** @type {WebGpu} */ (backends.webgpu);
  return files[sources].sha256;
}

/**
 * What an adapter is called, as far as the browser tells: those that are as fast have the same name.
 * @param {Device} device
 */
function identityOf({ gpu: { adapterInfo: info } }) {
  return [info?.vendor, info?.architecture, info?.device, info?.description].join("|");
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => Promise<T>} action
 */
async function withStore(mode, action) {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  const database = await resultOf(request);
  try {
    return await action(database.transaction(STORE, mode).objectStore(STORE));
  } finally {
    database.close();
  }
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function resultOf(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
  });
}
