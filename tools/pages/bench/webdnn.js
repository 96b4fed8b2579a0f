/** @file A bundle of ours as an engine of the bench. */

/** @param {{ model: import("./bench.js").Model, values: ArrayBufferView[], url: string, backend: string, threads: number }} given */
export async function create({ model, values, url, backend, threads }) {
  const { load } = await import("/runner/index.js");
  const session = await load(url, { backends: [backend], threads });
  const wanted = new Set(session.inputs.map(({ name }) => name));
  const given = model.inputs.map(({ name, shape }, i) => [name, { data: values[i], shape }]);
  const inputs = Object.fromEntries(given.filter(([name]) => wanted.has(name)));
  return {
    version: "",
    async run() {
      const outputs = await session.run(inputs);
      return model.outputs.map(({ name }) => outputs[name]);
    },
    dispose: () => session.dispose(),
  };
}
