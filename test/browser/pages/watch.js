/** @file Counts what is asked of GPUs: the calls by their names, in order, and the handles that nobody has freed. */

const APIS = [
  ...["GPU", "GPUAdapter", "GPUDevice", "GPUQueue", "GPUBuffer", "GPUTexture", "GPUQuerySet"],
  ...["WebGLRenderingContext", "WebGL2RenderingContext", "OffscreenCanvas"],
];

/** The names of what frees a handle: by its own method, or by one of what made it. */
const FREES = /^(destroy|delete)/;

/** What is made and has to be freed: other objects of WebGPU go with their device. */
const MADE = /^(create(Buffer|Texture|Framebuffer|Program|Shader|QuerySet)|fenceSync|requestDevice)$/;

/** Watches the APIs while something is done: what it answers, and `calls` and `left` besides. */
export async function watched(action) {
  const calls = [];
  const left = new Map();
  const undo = APIS.flatMap((api) => wrapped(globalThis[api]?.prototype, calls, left));
  const { fetch } = globalThis;
  globalThis.fetch = (...given) => {
    calls.push(`fetch ${new URL(given[0], location.href).pathname.split("/").at(-1)}`);
    return fetch(...given);
  };
  try {
    const result = await action({ calls, left: () => counted([...left.values()]) });
    return { ...result, calls: counted(calls), left: counted([...left.values()]) };
  } finally {
    globalThis.fetch = fetch;
    undo.forEach((restore) => restore());
  }
}

function wrapped(prototype, calls, left) {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype ?? {})).flatMap(([name, property]) => {
    if (typeof property.value !== "function" || name === "constructor") return [];
    prototype[name] = function (...given) {
      calls.push(name);
      const result = property.value.apply(this, given);
      if (MADE.test(name)) Promise.resolve(result).then((made) => left.has(made) || left.set(made, name));
      // Before what was made before it is noted, nothing can be freed: promises keep the order.
      if (FREES.test(name)) Promise.resolve().then(() => left.delete(given[0] ?? this));
      return result;
    };
    return [() => Object.defineProperty(prototype, name, property)];
  });
}

/** How often each occurs. */
export function counted(names) {
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
