// The public interface of the runner.
import type { Dimension, Tensor } from "./manifest.js";

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
  /**
   * When the WebGPU backend times the kernels that a bundle has in several variants, and launches from then on what is
   * fastest on the device: "background" (by default), after the first run, whenever the page is idle and no run is in
   * progress, "now", before loading ends, or "never". What was found is kept in IndexedDB for each adapter, so that
   * later sessions begin with it, unless they are to "never" do so. A fallback adapter is timed only "now".
   */
  readonly tune?: "background" | "now" | "never";
  /** The page's own WebGPU device, used in place of a new one and never destroyed. */
  readonly device?: GPUDevice;
}

/** What has pixels. */
export type ImageSource =
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame;

/**
 * An image for an input of f32 or f16: elements are (channel - mean) / std, where a channel is from 0 to 1, sRGB, and
 * not multiplied by alpha. One channel is brightness (0.299 red + 0.587 green + 0.114 blue), three are colours, and a
 * fourth is alpha.
 */
export interface ImageInput {
  /** As large as the input. It is read when its run begins, and must stay as it is until the run has ended. */
  readonly source: ImageSource;
  /** The order of colours; "rgb" by default. */
  readonly order?: "rgb" | "bgr";
  /** Of all channels, or of each in the order of the input; 0 by default. */
  readonly mean?: number | ReadonlyArray<number>;
  /** As mean, and 1 by default; 1 / 255 makes elements from 0 to 255. */
  readonly std?: number | ReadonlyArray<number>;
  /**
   * Whether an input's last axes are channels, height and width, or height, width and channels. By default the latter
   * where only the last one of them is 1, 3 or 4.
   */
  readonly layout?: "chw" | "hwc";
}

/** The elements of a tensor, row-major, and its shape. */
export interface Result {
  readonly data: TypedArray;
  readonly shape: ReadonlyArray<number>;
}

/**
 * What a run takes for an input: its elements, those with their shape (which may be left out where the numbers of
 * elements tell the sizes of all dimensions), or, for an input without `sizes`, an image, or on WebGPU a buffer of `session.device` with COPY_SRC that
 * holds the elements in 4 bytes each: floats as f32, bool and unsigned integers as u32, others as i32.
 */
export type Input = TypedArray | Result | ImageInput | GPUBuffer;

/** A loaded model. */
export interface Session {
  readonly backend: BackendName;
  /** The model's inputs; along axes in `sizes`, `shape` is the greatest that a run may have. */
  readonly inputs: ReadonlyArray<Tensor>;
  readonly outputs: ReadonlyArray<Tensor>;
  /** The dimensions whose size is a run's choice, and the least and the greatest that each may have. */
  readonly dimensions: ReadonlyArray<Dimension>;
  /** The backends that were tried before, and why each was refused. */
  readonly refusals: ReadonlyArray<Refusal>;
  /** How many threads compute; 1 on every backend but wasm. */
  readonly threads: number;
  /** The device that a WebGPU session uses now; another one after it was lost. */
  readonly device: GPUDevice | undefined;
  /**
   * Computes the outputs. Of calls that overlap, two are in progress at a time on GPUs and one elsewhere, and each computes
   * what its arrays held when it was made. Of an output with `counts`, whose shape is the most
   * that it can be, there are as many elements as the run has found.
   *
   * If the GPU is lost, runs in progress are rejected, and the next one makes all anew.
   */
  run(inputs: Readonly<Record<string, Input>>, options?: { readonly outputs?: "array" }): Promise<Record<string, TypedArray>>;
  /**
   * Leaves the outputs on WebGPU, whole, in new buffers with elements as in those for inputs. The page destroys them, and
   * they are gone with the device, which the last session ends unless it is the page's.
   */
  run(
    inputs: Readonly<Record<string, Input>>,
    options: { readonly outputs: "gpu-buffer" },
  ): Promise<Record<string, GPUBuffer>>;
  /** As `run` for arrays, with the shapes of the outputs: each can be given to another run. */
  runTensors(inputs: Readonly<Record<string, Input>>): Promise<Record<string, Result>>;
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

export type { Dimension, Tensor };
