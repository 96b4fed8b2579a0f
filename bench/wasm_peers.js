// One model on our runner and on ONNX Runtime Web, in turn; returns milliseconds of each run.
async ({ model, rounds }) => {
  const bytes = async (url) => (await fetch(url)).arrayBuffer();
  const typed = { int64: BigInt64Array, int32: Int32Array, float32: Float32Array };
  const entry = (await (await fetch("/models/manifest.json")).json())[model];
  const inputs = {};
  for (const [k, { name, dtype }] of entry.inputs.entries()) {
    inputs[name] = new typed[dtype](await bytes(`/models/${model}.in${k}.bin`));
  }
  const expected = new Float32Array(await bytes(`/models/${model}.ref0.bin`));
  const error = (found) => expected.reduce((worst, v, i) => Math.max(worst, Math.abs(found[i] - v)), 0);

  const { load } = await import("/runner/index.js");
  const session = await load(`/bundles/${model}/`, { backends: ["wasm"], threads: 1 });
  const ort = globalThis.ort;
  Object.assign(ort.env.wasm, { wasmPaths: `${location.origin}/npm/onnxruntime-web/dist/`, numThreads: 1 });
  ort.env.logLevel = "error";
  const peer = await ort.InferenceSession.create(new Uint8Array(await bytes(`/models/${entry.file}`)), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });

  const output = session.outputs[0].name;
  const engines = {
    ours: async () => (await session.run(inputs))[output],
    peer: async () => {
      const feeds = {};
      for (const { name, dtype, shape } of entry.inputs) feeds[name] = new ort.Tensor(dtype, inputs[name], shape);
      return (await peer.run(feeds))[entry.outputs[0].name].getData();
    },
  };
  const times = { ours: [], peer: [], first: [], errors: [] };
  const timed = async (run) => {
    const start = performance.now();
    const found = await run();
    return [performance.now() - start, found];
  };
  for (const run of Object.values(engines)) {
    const [first, found] = await timed(run);
    times.first.push(first);
    times.errors.push(error(found));
  }
  for (let i = 0; i < 10 + rounds; i++) {
    for (const [name, run] of Object.entries(engines)) {
      const [time] = await timed(run);
      if (i >= 10) times[name].push(time);
    }
  }
  await session.dispose();
  return times;
};
