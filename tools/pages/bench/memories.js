/** @file Remembers every WebAssembly memory that the page makes: its size can be read later, and never shrinks. */

/** @type {Set<WebAssembly.Memory>} */
const made = new Set();

const Memory = WebAssembly.Memory;

WebAssembly.Memory = new Proxy(Memory, {
  construct(target, parameters) {
    const memory = Reflect.construct(target, parameters);
    made.add(memory);
    return memory;
  },
});

for (const name of ["instantiate", "instantiateStreaming"]) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...parameters) => {
    const result = await original.apply(WebAssembly, parameters);
    const exported = Object.values((result.instance ?? result).exports);
    for (const value of exported) if (value instanceof Memory) made.add(value);
    return result;
  };
}

export function remembered() {
  return new Set(made);
}

/** @param {Set<WebAssembly.Memory>} before */
export function madeSince(before) {
  return [...made].filter((memory) => !before.has(memory));
}
