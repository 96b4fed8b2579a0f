// The interface between the session and its backends.
import type { BackendName, LoadOptions, TypedArray } from "./index.js";
import type { Bundle } from "./bundle.js";
import type { Picture } from "./images.js";

/** What a backend is given. */
export interface Context {
  readonly name: BackendName;
  readonly bundle: Bundle;
  readonly threads?: number;
  readonly warmUp?: boolean;
  readonly device?: GPUDevice;
  readonly tune?: LoadOptions["tune"];
}

/** When something may be done that can wait, which the signal ends: `idle` waits for such a moment, and rejects then. */
export interface Pause {
  readonly signal?: AbortSignal;
  idle(): Promise<void>;
}

/** What a run is given for an input: arrays, and what the executor says that it takes besides. */
export type Value = TypedArray | Picture | GPUBuffer;

/** A model on a device: inputs and outputs are in the order of the manifest, and checked. */
export interface Executor {
  /** One, unless it says otherwise. */
  readonly threads?: number;
  /** How many runs may be in progress at a time: one, unless it says otherwise. */
  readonly depth?: number;
  /** Whether it takes images. */
  readonly readsImages?: boolean;
  /** The device of one that takes its buffers, and gives them. */
  readonly gpu?: GPUDevice;
  /** Whether the device is gone, and another executor could have a new one. */
  readonly lost?: boolean;
  /** What an array holds is read before anything is awaited, unless there is an image. */
  run(inputs: ReadonlyArray<Value>): Promise<TypedArray[]>;
  /**
   * Times kernels that have variants, and launches the fastest from then on; if that fails, what it did, and it never
   * rejects. It is there as long as that has not begun, if it is worth it.
   */
  tune?: (pause: Pause) => Promise<void>;
  runToBuffers?(inputs: ReadonlyArray<Value>): Promise<GPUBuffer[]>;
  dispose(): void;
}

/** A backend: a refusal is a rejected promise. */
export interface Backend {
  create(context: Context): Promise<Executor>;
}

/** An instance of a bundle's wasm module, or one in each of several threads: `run` computes from memory to memory. */
export interface WasmEngine {
  readonly bytes: Uint8Array;
  readonly threads: number;
  /** What runs once, when the weights are in memory. */
  load(): Promise<void>;
  run(): Promise<void>;
  dispose(): void;
}

/** A view of a memory image for each element type. */
export interface Heap {
  readonly i8: Int8Array;
  readonly u8: Uint8Array;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;
}

declare global {
  // Node's, of which one function is used.
  var process: { cwd(): string } | undefined;
  // WebGPU's flags, which TypeScript's DOM library leaves out.
  var GPUBufferUsage: Record<"STORAGE" | "UNIFORM" | "COPY_DST" | "COPY_SRC" | "MAP_READ" | "QUERY_RESOLVE", number>;
  var GPUTextureUsage: { TEXTURE_BINDING: number; COPY_DST: number; RENDER_ATTACHMENT: number };
  var GPUShaderStage: { COMPUTE: number };
  var GPUMapMode: { READ: number };
}
