// The public interface of the runner.
import type { Tensor } from "./manifest.js";

/** Backends as a session names them. */
export type BackendName = "webgpu" | "webgl2" | "webgl1" | "wasm" | "js";

/** Backends as a page asks for them; "webgl" is "webgl2", then "webgl1". */
export type BackendRequest = BackendName | "webgl";

/**
 * The elements of a tensor, row-major: f32 Float32Array, f64 Float64Array, i8 … u32 the arrays of that name, i64 and
 * u64 BigInt64Array and BigUint64Array, bool Uint8Array, bf16 Uint16Array (raw bits), and f16 Float16Array where the
 * browser has it, else Uint16Array (raw bits; also accepted as input everywhere).
 */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Float16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** How far loading is: "kernels" counts programs, "weights" counts bytes. */
export interface Progress {
  readonly stage: "kernels" | "weights";
  readonly loaded: number;
  readonly total: number;
}

/** Why a backend was not used. */
export interface Refusal {
  readonly backend: BackendName;
  readonly reason: string;
}

export interface LoadOptions {
  /** The backends to try, in order; by default webgpu, webgl, wasm, js. */
  readonly backends?: ReadonlyArray<BackendRequest>;
  readonly onProgress?: (progress: Progress) => void;
  /** Aborts loading. */
  readonly signal?: AbortSignal;
  /**
   * How many threads the wasm backend uses; by default as many as there are processors, 4 at most. Always one where the
   * page is not cross-origin isolated, or where the model has too little work to share.
   */
  readonly threads?: number;
  /**
   * Compute once, on zeros, before loading ends: the first run is then as fast as those after it. By default the wasm
   * backend does so while weights are still on their way; false leaves that out too.
   */
  readonly warmUp?: boolean;
  /** The page's own WebGPU device, used in place of a new one and never destroyed. */
  readonly device?: GPUDevice;
}

/** A loaded model. */
export interface Session {
  readonly backend: BackendName;
  readonly inputs: ReadonlyArray<Tensor>;
  readonly outputs: ReadonlyArray<Tensor>;
  /** The backends that were tried before, and why each was refused. */
  readonly refusals: ReadonlyArray<Refusal>;
  /** How many threads compute; 1 on every backend but wasm. */
  readonly threads: number;
  /**
   * Computes the outputs; calls that overlap wait for one another. Of an output with `counts`, whose shape is the most
   * that it can be, there are as many elements as the run has found.
   */
  run(inputs: Readonly<Record<string, TypedArray>>): Promise<Record<string, TypedArray>>;
  /** Frees what the session holds, once the run in progress has ended; later runs are rejected. */
  dispose(): Promise<void>;
}

/** Loads the bundle at `url`, a directory or its `model.json`. */
export function load(url: string | URL, options?: LoadOptions): Promise<Session>;

/** Every error of the runner: what is wrong, and what to do about it. */
export class WebDnnError extends Error {
  constructor(message: string, hint: string, cause?: unknown);
  readonly hint: string;
}

export type { Tensor };
