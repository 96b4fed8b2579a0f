/** @file Images and GPU buffers as inputs, and outputs that stay on the GPU. */

import { load } from "/runner/index.js";
import { watched } from "/test/watch.js";

const told = ({ name, message, hint }) => ({ name, message, hint });

/** An opaque picture of which each byte is known: its bytes, and it as each kind of source, with how to let go of it. */
const SOURCES = {
  ImageData: async (pixels) => pixels,
  OffscreenCanvas: async (pixels) => drawn(new OffscreenCanvas(pixels.width, pixels.height), pixels),
  HTMLCanvasElement: async (pixels) =>
    drawn(Object.assign(document.createElement("canvas"), { width: pixels.width, height: pixels.height }), pixels),
  ImageBitmap: (pixels) => createImageBitmap(pixels),
  HTMLImageElement: async (pixels, file) => {
    const image = Object.assign(new Image(), { src: file });
    await image.decode();
    return image;
  },
  VideoFrame: async ({ data, width, height }) =>
    new VideoFrame(data, { format: "RGBX", codedWidth: width, codedHeight: height, timestamp: 0 }),
};

function drawn(canvas, pixels) {
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** The image, which lies in a file too, as each source, on each backend: results by both. */
export async function images(url, backends, file, bytes, width, options) {
  const pixels = new ImageData(Uint8ClampedArray.from(bytes), width);
  const results = {};
  for (const backend of backends) {
    const session = await load(url, { backends: [backend] });
    for (const [kind, create] of Object.entries(SOURCES)) {
      const source = await create(pixels, file);
      const { y } = await session.run({ x: { source, ...options } });
      source.close?.();
      results[`${backend} ${kind}`] = [...y];
    }
    await session.dispose();
  }
  return { results };
}

/** An image that is larger than the textures that a context says it has. */
export async function tooLarge(url, backend, bytes, width) {
  const session = await load(url, { backends: [backend] });
  const prototype = (backend === "webgl2" ? WebGL2RenderingContext : WebGLRenderingContext).prototype;
  const { getParameter } = prototype;
  prototype.getParameter = function (name) {
    return name === this.MAX_TEXTURE_SIZE ? 4 : getParameter.call(this, name);
  };
  try {
    return await watched(async () => {
      const source = new ImageData(Uint8ClampedArray.from(bytes), width);
      return { results: { [backend]: [...(await session.run({ x: { source } })).y] } };
    });
  } finally {
    prototype.getParameter = getParameter;
    await session.dispose();
  }
}

/** A video that plays one picture of one colour. */
export async function video(url, backends, colour, [width, height]) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const playing = Object.assign(document.createElement("video"), { muted: true, srcObject: canvas.captureStream(30) });
  context.fillStyle = colour;
  const painting = setInterval(() => context.fillRect(0, 0, width, height), 20);
  await playing.play();
  await new Promise((resolve) => playing.requestVideoFrameCallback(resolve));
  const results = {};
  for (const backend of backends) {
    const session = await load(url, { backends: [backend] });
    results[backend] = [...(await session.run({ x: { source: playing } })).y];
    await session.dispose();
  }
  clearInterval(painting);
  return { results };
}

/** Different images in runs that overlap, beside arrays: what comes of each, and the handles that are left. */
export function stream(url, backend, width, height) {
  return watched(async ({ left }) => {
    const session = await load(url, { backends: [backend] });
    const grey = (value) => new ImageData(new Uint8ClampedArray(4 * width * height).fill(value), width);
    const given = [grey(0), grey(51), grey(255), undefined, grey(102)].map((source) =>
      source ? { source } : new Float32Array(3 * width * height).fill(7),
    );
    const first = async () => (await Promise.all(given.map((x) => session.run({ x })))).map(({ y }) => y[0]);
    const values = [await first()];
    const before = left();
    values.push(await first());
    const after = left();
    await session.dispose();
    return { values, before, after };
  });
}

/** What is wrong with an image. */
export async function refused(url, backend, kind, width, height, options) {
  const session = await load(url, { backends: [backend] });
  const source = kind === "ImageData" ? new ImageData(width, height) : kind === "null" ? null : { width, height };
  const error = await session.run({ x: { source, ...options } }).then(() => ({}), told);
  await session.dispose();
  return { error };
}

/** An image and a buffer of the session's device, for an input whose size varies. */
export async function refusedForSize(url, width, height) {
  const session = await load(url, { backends: ["webgpu"] });
  const buffer = session.device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const errors = [];
  for (const x of [{ source: new ImageData(width, height) }, buffer]) {
    errors.push(await session.run({ x }).then(() => ({}), told));
  }
  buffer.destroy();
  await session.dispose();
  return { errors };
}

async function contentOf(device, buffer) {
  const staging = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const content = staging.getMappedRange().slice();
  staging.destroy();
  return content;
}

/** Feeds outputs that stay on the GPU to the next run, which gives arrays: what all of them hold, and what is left. */
export function buffers(url, x) {
  return watched(async ({ left }) => {
    const session = await load(url, { backends: ["webgpu"] });
    const first = await session.run({ x: Float32Array.from(x) }, { outputs: "gpu-buffer" });
    const held = [...new Float32Array(await contentOf(session.device, first.y))];
    const second = await session.run({ x: first.y }, { outputs: "gpu-buffer" });
    const third = await session.run({ x: second.y });
    Object.values({ ...first }).forEach((buffer) => buffer.destroy());
    const gone = await session.run({ x: first.y }).then(() => ({}), told);
    second.y.destroy();
    const again = await session.run({ x: Float32Array.from(x) });
    await session.dispose();
    return { results: { held, third: [...third.y], again: [...again.y] }, error: gone, alive: left() };
  });
}

/** Integers and halves in buffers of 4 bytes each. */
export async function integerBuffers(url) {
  const session = await load(url, { backends: ["webgpu"] });
  const put = (array) => {
    const usage = GPUBufferUsage.COPY_SRC;
    const buffer = session.device.createBuffer({ size: array.byteLength, usage, mappedAtCreation: true });
    new array.constructor(buffer.getMappedRange()).set(array);
    buffer.unmap();
    return buffer;
  };
  const inputs = { a: put(Int32Array.of(5, -6, 7)), m: put(Uint32Array.of(1, 0, 1)), h: put(Float32Array.of(0.5, 1, 2)) };
  const { s, g } = await session.run(inputs, { outputs: "gpu-buffer" });
  const results = {
    s: [...new Int32Array(await contentOf(session.device, s))],
    g: [...new Float32Array(await contentOf(session.device, g))],
  };
  const error = await session.run({ ...inputs, a: put(new Int32Array(4)) }).then(() => ({}), told);
  await session.dispose();
  return { results, error };
}

/** A mask whose elements a run checks, as arrays and as a buffer. */
export async function checkedElements(url, backend) {
  const session = await load(url, { backends: [backend] });
  const { y } = await session.run({ mask: BigInt64Array.of(1n, -3n) });
  const errors = [await session.run({ mask: BigInt64Array.of(1n, 200n) }).then(() => ({}), told)];
  if (session.device) {
    const mask = session.device.createBuffer({ size: 8, usage: GPUBufferUsage.COPY_SRC });
    errors.push(await session.run({ mask }).then(() => ({}), told));
  }
  await session.dispose();
  return { results: { y: [...y] }, errors };
}

/** What backends without buffers say. */
export async function noBuffers(url, backend) {
  const session = await load(url, { backends: [backend] });
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const x = device.createBuffer({ size: 24, usage: GPUBufferUsage.COPY_SRC });
  const input = await session.run({ x }).then(() => ({}), told);
  const output = await session.run({ x: new Float32Array(6) }, { outputs: "gpu-buffer" }).then(() => ({}), told);
  device.destroy();
  await session.dispose();
  return { errors: [input, output] };
}
