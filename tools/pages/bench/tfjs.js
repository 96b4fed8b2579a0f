/** @file TensorFlow.js as an engine of the bench: it runs the tape that lies beside a model. */

import { bind, play } from "./tape.js";
import { fetchBytes, loadScript } from "./transfer.js";

const FOLDER = "/peers/@tensorflow/";
const LIBRARY = "tfjs/dist/tf.es2017.min.js";

/** What is loaded beside the library, and what the library calls the backend. */
const BACKENDS = {
  wasm: { name: "wasm", script: "tfjs-backend-wasm/dist/tf-backend-wasm.es2017.min.js" },
  webgpu: { name: "webgpu", script: "tfjs-backend-webgpu/dist/tf-backend-webgpu.es2017.min.js" },
  webgl: { name: "webgl" },
  js: { name: "cpu" },
};

/** @param {{ model: import("./bench.js").Model, values: ArrayBufferView[], url: string, backend: string, threads: number }} given */
export async function create({ model, values, url, backend, threads }) {
  const { name, script } = BACKENDS[backend];
  await loadScript(FOLDER + LIBRARY);
  if (script) await loadScript(FOLDER + script);
  const tf = globalThis.tf;
  if (backend === "wasm") useWasm(tf, threads);
  if (!(await tf.setBackend(name))) throw new Error(`it refuses the backend '${name}'`);
  await tf.ready();
  const [tape, weights] = await Promise.all([fetchBytes(`${url}.tape.json`), fetchBytes(`${url}.tape.bin`)]);
  const bound = bind(tf, JSON.parse(new TextDecoder().decode(tape)), weights.buffer);
  const inputs = model.inputs.map((tensor, i) => ({ name: tensor.name, ...asTaped(tensor, values[i]) }));
  return {
    version: tf.version.tfjs,
    async run() {
      const results = tf.tidy(() => {
        const fed = inputs.map((input) => [input.name, tf.tensor(input.data, input.shape, input.type)]);
        return play(tf, bound, Object.fromEntries(fed));
      });
      const outputs = [];
      for (const result of results) {
        outputs.push(await result.data());
        result.dispose();
      }
      return outputs;
    },
    dispose: () => tf.disposeVariables(),
  };
}

function useWasm(tf, threads) {
  tf.wasm.setWasmPaths(`${FOLDER}tfjs-backend-wasm/dist/`);
  if (threads === 1) tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  else tf.wasm.setThreadsCount(threads);
}

/** Images as the library wants them, channels last, and integers in 32 bits; neither change is timed. */
function asTaped({ type, shape }, values) {
  if (type === "i64") return { data: Int32Array.from(values, Number), shape, type: "int32" };
  if (shape.length !== 4) return { data: values, shape, type: "float32" };
  const [images, channels, height, width] = shape;
  const plane = height * width;
  const data = new Float32Array(values.length);
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < channels; c++) {
      const from = (n * channels + c) * plane;
      for (let p = 0; p < plane; p++) data[(n * plane + p) * channels + c] = values[from + p];
    }
  }
  return { data, shape: [images, height, width, channels], type: "float32" };
}
