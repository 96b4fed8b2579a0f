/** @file Which variants of a bundle's kernels were found to be the fastest, on which adapter, as the browser keeps it. */

/** @typedef {Map<string, string>} Choices the names of variants, by the entry points of the kernels that have them */

const DATABASE = "webdnn";
const STORE = "variants";

/**
 * What is kept of the kernels whose texts have a hash. A browser that keeps nothing knows nothing.
 * @param {string} hash
 * @returns {Promise<Map<string, Choices>>} by identities of devices
 */
export async function read(hash) {
  /** @type {Map<string, Choices>} */
  const found = new Map();
  try {
    await withStore("readonly", async (store) => {
      // Arrays come behind all texts.
      const range = IDBKeyRange.bound([hash], [hash, []]);
      const [keys, names] = await Promise.all([resultOf(store.getAllKeys(range)), resultOf(store.getAll(range))]);
      keys.forEach((key, i) => {
        const [, identity, entry] = /** @type {string[]} */ (key);
        /** @type {Choices} */
        const choices = found.get(identity) ?? new Map();
        found.set(identity, choices.set(entry, String(names[i])));
      });
    });
  } catch {
    // Without a store, what suits most devices is launched.
  }
  return found;
}

/**
 * @param {string} hash
 * @param {string} identity
 * @param {string} entry
 * @param {string} name
 */
export async function keep(hash, identity, entry, name) {
  try {
    await withStore("readwrite", (store) => resultOf(store.put(name, [hash, identity, entry])));
  } catch {
    // It is found anew in the next session.
  }
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => Promise<unknown>} action
 */
async function withStore(mode, action) {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  const database = await resultOf(request);
  try {
    await action(database.transaction(STORE, mode).objectStore(STORE));
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
