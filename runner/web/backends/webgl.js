/** @file The WebGL backends, 2 and 1: tensors are float textures, kernels are fragment shaders drawn over them. */

import { WebDnnError } from "../error.js";
import { asFloats, elementCount, fromStorage, toStorage } from "../tensors.js";
import { unrolled } from "./launches.js";
import { Device } from "./webgl_device.js";

/** @import { Context, Executor } from "../internal.js" */
/** @import { Draw, Layers, Tensor, TextureTensor, TexturePiece, WebGl } from "../manifest.js" */
/** @import { TypedArray } from "../index.js" */
/** @import { Made } from "./launches.js" */
/** @import { Stored } from "../tensors.js" */
/** @import { Bundle } from "../bundle.js" */
/** @import { Picture } from "../images.js" */
/** @import { ImageInputs } from "./webgl_images.js" */

/**
 * @param {Context} context
 * @returns {Promise<Executor>}
 */
export async function create({ name, bundle }) {
  const section = /** @type {WebGl} */ (bundle.manifest.backends.webgl);
  const language = name === "webgl2" ? "webgl2" : "webgl1";
  const sources = section.sources[language];
  if (!sources) throw new WebDnnError(`the bundle was not compiled for ${name}`, `compile it for ${name} too`);
  const device = new Device(language);
  try {
    device.checkLimits(section.maxTextureSize, section.maxSamplers);
    const executor = new WebGlExecutor(device, section, bundle);
    await Promise.all([bundle.texts(sources).then((texts) => executor.compile(texts)), executor.loadConstants()]);
    executor.computeOnce();
    return executor;
  } catch (error) {
    device.release();
    throw error;
  }
}

/** @implements {Executor} */
class WebGlExecutor {
  /** A run is submitted while the outputs of the one before are still on their way. */
  depth = 2;
  readsImages = true;
  #device;
  #section;
  #bundle;
  #textures;
  /** @type {Map<number, WebGLFramebuffer>} one for each texture that is drawn to or read */
  #framebuffers = new Map();
  /** @type {{ program: WebGLProgram, counters: (WebGLUniformLocation | null)[] }[]} */
  #programs = [];
  /** @type {Made<Draw>[]} those of each run */
  #draws;
  /** @type {Promise<ImageInputs> | undefined} */
  #images;

  /**
   * @param {Device} device
   * @param {WebGl} section
   * @param {Bundle} bundle
   */
  constructor(device, section, bundle) {
    this.#device = device;
    this.#section = section;
    this.#bundle = bundle;
    this.#draws = unrolled(section.draws, section.loops).slice(section.loading);
    const { gl2 } = device;
    this.#textures = section.textures.map(({ width, height, layers }) =>
      layers && gl2 ? device.createLayers(gl2, layers) : device.createTexture(width, height),
    );
    section.draws.forEach(({ target }) => this.#framebuffer(target));
    device.checkErrors();
  }

  get lost() {
    return this.#device.lost;
  }

  /** @param {string[]} sources */
  async compile(sources) {
    /** @type {(Draw | undefined)[]} */
    const draws = [];
    for (const draw of this.#section.draws) draws[draw.program] = draw;
    this.#device.checkAlive();
    // All are begun before the first is waited for: drivers compile in parallel.
    const begun = sources.map((source, i) => this.#device.compile(source, draws[i]?.samplers.length ?? 0));
    for (const [index, compiled] of begun.entries()) {
      const program = await this.#device.linked(compiled, index);
      const names = draws[index]?.counters.map((_, i) => `n${i}`) ?? [];
      const counters = names.map((name) => this.#device.gl.getUniformLocation(program, name));
      this.#programs.push({ program, counters });
      this.#bundle.progress({ stage: "kernels", loaded: index + 1, total: begun.length });
    }
  }

  async loadConstants() {
    const pending = this.#section.constants.map(({ texture, offset, bytes, type }) => {
      return { texture, offset, end: offset + bytes, missing: bytes, type, content: new Uint8Array(0) };
    });
    await this.#bundle.weights(this.#section.weights, (content, { offset }) => {
      this.#device.checkAlive();
      for (const constant of pending) {
        const from = Math.max(offset, constant.offset);
        const to = Math.min(offset + content.length, constant.end);
        if (from >= to) continue;
        const { width, height } = this.#section.textures[constant.texture];
        // A constant may straddle shards: it is collected, then uploaded and let go.
        if (constant.content.length === 0) constant.content = new Uint8Array(constant.end - constant.offset);
        constant.content.set(content.subarray(from - offset, to - offset), from - constant.offset);
        constant.missing -= to - from;
        if (constant.missing > 0) continue;
        const texels = new Float32Array(4 * width * height);
        texels.set(asFloats(constant.type, constant.content.buffer));
        this.#upload(constant.texture, height, texels);
        constant.content = new Uint8Array(0);
      }
      this.#device.checkErrors();
    });
  }

  /** Draws what is drawn once, and frees the textures that nothing else needs. */
  computeOnce() {
    const { draws, loading, inputs, outputs } = this.#section;
    this.#device.checkAlive();
    this.#draw(draws.slice(0, loading).map((launch, index) => ({ index, launch, counters: [] })));
    const needed = new Set([...inputs, ...outputs].flatMap(piecesOf).map(({ texture }) => texture));
    for (const { samplers, target } of draws.slice(loading)) [...samplers, target].forEach((used) => needed.add(used));
    this.#textures.forEach((texture, index) => {
      if (needed.has(index)) return;
      this.#device.delete(this.#framebuffers.get(index));
      this.#device.delete(texture);
    });
    this.#device.checkErrors();
  }

  /**
   * @param {ReadonlyArray<TypedArray | Picture>} values
   * @returns {Promise<TypedArray[]>}
   */
  async run(values) {
    const images = values.some((value) => "source" in value) ? await this.#imageInputs() : undefined;
    this.#device.checkAlive();
    const { inputs, outputs } = this.#bundle.manifest;
    const places = this.#section.inputs;
    const written = inputs.map((tensor, i) => {
      const value = values[i];
      if ("source" in value && images?.reads(value, places[i])) return value;
      const magnitude = places[i].magnitude?.[this.#device.gl2 ? "webgl2" : "webgl1"];
      const stored = toStorage(tensor, "source" in value ? value.array() : value, "f32", magnitude);
      return padRows(/** @type {Float32Array<ArrayBuffer>} */ (stored), places[i]);
    });
    written.forEach((value, i) => {
      if (!("source" in value)) this.#uploadPieces(places[i], value);
      else images?.draw(value, places[i], this.#framebuffer(places[i].texture), this.#section.textures[places[i].texture]);
    });
    this.#draw(this.#draws);
    // All reads are begun before the first is waited for: another run may come in between.
    const results = await Promise.all(outputs.map((tensor, i) => this.#read(tensor, this.#section.outputs[i])));
    this.#device.checkAlive();
    this.#device.checkErrors();
    return results;
  }

  dispose() {
    this.#device.release();
  }

  #imageInputs() {
    this.#images ??= import("./webgl_images.js").then(({ ImageInputs }) => ImageInputs.create(this.#device));
    return this.#images;
  }

  /** @param {ReadonlyArray<Made<Draw>>} draws */
  #draw(draws) {
    const { gl, gl2 } = this.#device;
    for (const { launch, counters } of draws) {
      const { program, samplers, target } = launch;
      const { width, height } = this.#layers(target) ?? this.#section.textures[target];
      gl.bindFramebuffer(gl.FRAMEBUFFER, this.#framebuffer(target));
      gl.viewport(0, 0, width, height);
      gl.useProgram(this.#programs[program].program);
      counters.forEach((value, i) => gl.uniform1i(this.#programs[program].counters[i], value));
      samplers.forEach((sampler, unit) => {
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(this.#layers(sampler) && gl2 ? gl2.TEXTURE_2D_ARRAY : gl.TEXTURE_2D, this.#textures[sampler]);
      });
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
  }

  /**
   * @param {TextureTensor} place
   * @param {Float32Array<ArrayBuffer>} elements
   */
  #uploadPieces(place, elements) {
    let start = 0;
    for (const piece of piecesOf(place)) {
      const { width } = this.#section.textures[piece.texture];
      const rows = texelRows(piece.elements, width);
      const texels = new Float32Array(4 * width * rows);
      texels.set(elements.subarray(start, (start += piece.elements)));
      this.#upload(piece.texture, rows, texels);
    }
  }

  /**
   * @param {number} texture
   * @param {number} rows
   * @param {Float32Array<ArrayBuffer>} texels
   */
  #upload(texture, rows, texels) {
    const { gl } = this.#device;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.#textures[texture]);
    this.#device.upload(this.#section.textures[texture].width, rows, texels);
  }

  /**
   * @param {Tensor} tensor
   * @param {TextureTensor} place
   */
  async #read(tensor, place) {
    const { gl } = this.#device;
    const reads = [];
    for (const piece of piecesOf(place)) {
      const { width } = this.#section.textures[piece.texture];
      const rows = texelRows(piece.elements, width);
      if (rows === 0) continue;
      gl.bindFramebuffer(gl.FRAMEBUFFER, this.#framebuffer(piece.texture));
      reads.push(this.#device.download(width, rows).then((texels) => texels.subarray(0, piece.elements)));
    }
    return fromStorage(tensor, stripRows(tensor, joined(await Promise.all(reads)), place));
  }

  /**
   * @param {number} texture
   * @returns {Layers | undefined} what it is cut into, if it is
   */
  #layers(texture) {
    return this.#device.gl2 && this.#section.textures[texture].layers;
  }

  /** @param {number} texture */
  #framebuffer(texture) {
    const { width, height } = this.#section.textures[texture];
    const known =
      this.#framebuffers.get(texture) ??
      this.#device.createFramebuffer(this.#textures[texture], `${width} × ${height}`, this.#layers(texture)?.count);
    this.#framebuffers.set(texture, known);
    return known;
  }
}

/**
 * @param {TextureTensor} place
 * @returns {ReadonlyArray<TexturePiece>} the textures that hold it, in order
 */
function piecesOf({ pieces, texture, rows, rowStride }) {
  return pieces ?? [{ texture, elements: rows * rowStride }];
}

/**
 * @param {Float32Array[]} parts
 * @returns {Float32Array} all of them, one after another
 */
function joined(parts) {
  if (parts.length === 1) return parts[0];
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let start = 0;
  for (const part of parts) {
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}

/**
 * @param {number} elements
 * @param {number} width of the texture
 * @returns {number} the rows of texels that hold them
 */
function texelRows(elements, width) {
  return Math.ceil(elements / (4 * width));
}

/**
 * @param {Float32Array<ArrayBuffer>} stored
 * @param {TextureTensor} place
 * @returns {Float32Array<ArrayBuffer>} the elements with those that fill the rows
 */
function padRows(stored, { rows, rowLength, rowStride }) {
  if (rowLength === rowStride) return stored;
  const padded = new Float32Array(rows * rowStride);
  for (let row = 0; row < rows; row++) {
    padded.set(stored.subarray(row * rowLength, (row + 1) * rowLength), row * rowStride);
  }
  return padded;
}

/**
 * @param {Tensor} tensor
 * @param {Float32Array} padded
 * @param {TextureTensor} place
 * @returns {Stored}
 */
function stripRows(tensor, padded, { rows, rowLength, rowStride }) {
  const stored = new Float32Array(elementCount(tensor));
  for (let row = 0; row < rows; row++) {
    stored.set(padded.subarray(row * rowStride, row * rowStride + rowLength), row * rowLength);
  }
  return stored;
}
