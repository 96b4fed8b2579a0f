/** @file Fetches the files of a bundle: each is checked by size and hash, and counted as progress. */

import { BundleError, reasonOf } from "./error.js";
import { sha256 } from "./sha256.js";

/** @import { Progress } from "./index.js" */
/** @import { BufferWeights, ImageWeights, Manifest, MemoryWeights } from "./manifest.js" */

const CONCURRENT_FETCHES = 4;
const REBUILD_HINT = "compile the bundle again and upload all of its files";

/** A bundle whose manifest has been read. */
export class Bundle {
  #base;
  #options;

  /**
   * @param {URL} base the directory
   * @param {Manifest} manifest
   * @param {{ signal: AbortSignal, onProgress?: (progress: Progress) => void }} options
   */
  constructor(base, manifest, options) {
    this.#base = base;
    this.#options = options;
    this.manifest = manifest;
  }

  /**
   * The hash in the address keeps a cache from mixing two versions of a bundle.
   * @param {string} path
   * @returns {URL}
   */
  url(path) {
    const url = new URL(path, this.#base);
    url.search = this.#entry(path).sha256.slice(0, 16);
    return url;
  }

  /**
   * @param {string} path
   * @param {(bytes: number) => void} [onChunk]
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async bytes(path, onChunk) {
    const expected = this.#entry(path);
    const content = await fetchBytes(this.url(path), this.#options.signal, expected.bytes, onChunk);
    if (content.length !== expected.bytes || (await sha256(content)) !== expected.sha256) {
      throw new BundleError(`${path} is not the file that the bundle was written with`, REBUILD_HINT);
    }
    return content;
  }

  /**
   * @param {string} path a JSON array of texts
   * @returns {Promise<string[]>}
   */
  async texts(path) {
    /** @type {unknown} */
    const parsed = JSON.parse(new TextDecoder().decode(await this.bytes(path)));
    return /** @type {string[]} */ (parsed);
  }

  /**
   * Fetches every weight file once, a few at a time, and hands its bytes on for each of its places.
   * @template {BufferWeights | ImageWeights | MemoryWeights} Piece
   * @param {ReadonlyArray<Piece>} pieces
   * @param {(bytes: Uint8Array<ArrayBuffer>, piece: Piece) => void | Promise<void>} place
   */
  async weights(pieces, place) {
    /** @type {Map<string, Piece[]>} */
    const places = new Map();
    for (const piece of pieces) places.set(piece.file, [...(places.get(piece.file) ?? []), piece]);
    const total = [...places.keys()].reduce((sum, path) => sum + this.#entry(path).bytes, 0);
    let loaded = 0;
    const queue = places.entries();
    const worker = async () => {
      for (const [path, targets] of queue) {
        this.#options.signal.throwIfAborted();
        const content = await this.bytes(path, (bytes) => {
          this.progress({ stage: "weights", loaded: (loaded += bytes), total });
        });
        for (const target of targets) await place(content, target);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_FETCHES }, worker));
  }

  /** @param {Progress} progress */
  progress(progress) {
    if (this.#options.signal.aborted) return;
    try {
      this.#options.onProgress?.(progress);
    } catch (error) {
      throw new BundleError(`onProgress threw: ${reasonOf(error)}`, "mend the callback given to load()", error);
    }
  }

  /** @param {string} path */
  #entry(path) {
    const entry = this.manifest.files[path];
    if (!entry) throw new BundleError(`the manifest lists no file ${path}`, REBUILD_HINT);
    return entry;
  }
}

/**
 * @param {URL} url
 * @param {AbortSignal} [signal]
 * @param {number} [size] what is expected, so that a body can be read into place
 * @param {(bytes: number) => void} [onChunk]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function fetchBytes(url, signal, size, onChunk) {
  if (url.protocol === "file:") return readLocal(url, onChunk);
  let response;
  try {
    response = await fetch(url, { signal });
    if (response.ok) return await readBody(response, size, onChunk);
  } catch (error) {
    if (error instanceof BundleError) throw error;
    const hint = "check the address, the network, and the CORS headers if it is another origin";
    throw new BundleError(`${url.href} could not be fetched: ${reasonOf(error)}`, hint, error);
  }
  throw new BundleError(`${url.href} answered with status ${response.status}`, REBUILD_HINT);
}

/**
 * @param {Response} response
 * @param {number} [size]
 * @param {(bytes: number) => void} [onChunk]
 */
async function readBody(response, size, onChunk) {
  if (size === undefined || !response.body) {
    const content = new Uint8Array(await response.arrayBuffer());
    onChunk?.(content.length);
    return content;
  }
  const content = new Uint8Array(size);
  let length = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (length + part.value.length > size) {
      await reader.cancel();
      throw new BundleError(`${response.url} is longer than the ${size} bytes it should have`, REBUILD_HINT);
    }
    content.set(part.value, length);
    length += part.value.length;
    onChunk?.(part.value.length);
  }
  return content.subarray(0, length);
}

/**
 * @param {URL} url
 * @param {(bytes: number) => void} [onChunk]
 */
async function readLocal(url, onChunk) {
  let content;
  try {
    const { readFile } = await import(/* webpackIgnore: true */ /* @vite-ignore */ "node:fs/promises");
    content = await readFile(url);
  } catch (error) {
    const hint = "check the path; in a page, serve the bundle over http";
    throw new BundleError(`${url.href} could not be read: ${reasonOf(error)}`, hint, error);
  }
  onChunk?.(content.length);
  return new Uint8Array(content);
}
