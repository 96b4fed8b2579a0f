/** @file ONNX Runtime Web as an engine of the bench. */

import { fetchBytes } from "./transfer.js";

const FOLDER = "/peers/onnxruntime-web/dist/";

const SCRIPTS = { wasm: "ort.wasm.min.mjs", webgpu: "ort.webgpu.min.mjs", webgl: "ort.webgl.min.mjs" };

/** Our element types in its words. */
const TYPES = { f64: "float64", f32: "float32", f16: "float16", bool: "bool", i64: "int64", u64: "uint64", i32: "int32" };
Object.assign(TYPES, { u32: "uint32", i16: "int16", u16: "uint16", i8: "int8", u8: "uint8" });

/** @param {{ model: import("./bench.js").Model, values: ArrayBufferView[], url: string, backend: string, threads: number }} given */
export async function create({ model, values, url, backend, threads }) {
  const ort = await import(FOLDER + SCRIPTS[backend]);
  Object.assign(ort.env.wasm, { wasmPaths: location.origin + FOLDER, numThreads: threads });
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(await fetchBytes(url), {
    executionProviders: [backend],
    graphOptimizationLevel: "all",
  });
  return {
    version: ort.env.versions.web,
    async run() {
      const feeds = {};
      model.inputs.forEach(({ name, type, shape }, i) => (feeds[name] = new ort.Tensor(TYPES[type], values[i], shape)));
      const found = await session.run(feeds);
      const outputs = [];
      for (const { name } of model.outputs) {
        outputs.push(await found[name].getData());
        found[name].dispose();
      }
      return outputs;
    },
    dispose: () => session.release(),
  };
}
