/** @file A WebGL context that renders to float textures: the context, its formats, its programs, its failures. */

import { WebDnnError } from "../error.js";
import { halfToNumber, numberToHalf } from "../tensors.js";

/** @typedef {WebGLRenderingContext | WebGL2RenderingContext} Gl */
/** @typedef {Float32Array<ArrayBuffer>} Floats */

const OTHER_BACKENDS = "allow other backends in load()";

// WebGL 1 and its extensions share WebGL 2's numbers, except for this one.
const HALF_FLOAT_OES = 0x8d61;
const COMPLETION_STATUS = 0x91b1;

/** How the texels of all textures are stored and passed. */
/** @typedef {{ internal: number, upload: number, download: number }} Format */

const VERTEX = {
  webgl2: "#version 300 es\nin vec2 p;void main(){gl_Position=vec4(p,0.,1.);}",
  webgl1: "attribute vec2 p;void main(){gl_Position=vec4(p,0.,1.);}",
};

/** A context and the textures' format. */
export class Device {
  #name;

  /** @param {"webgl2" | "webgl1"} name */
  constructor(name) {
    this.#name = name;
    this.gl = createContext(name);
    try {
      this.format = renderableFormat(this.gl);
      this.#setUp();
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** @returns {WebGL2RenderingContext | undefined} the context, if it is WebGL 2 */
  get gl2() {
    return this.#name === "webgl2" ? /** @type {WebGL2RenderingContext} */ (this.gl) : undefined;
  }

  #setUp() {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    // One triangle that covers the target.
    gl.bufferData(gl.ARRAY_BUFFER, Float32Array.of(-1, -1, 3, -1, -1, 3), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    gl.disable(gl.DITHER);
    gl.disable(gl.BLEND);
  }

  /**
   * @param {number} texture size needed
   * @param {number} samplers number needed
   */
  checkLimits(texture, samplers) {
    const { gl } = this;
    /** @param {number} name @returns {number[]} */
    const limits = (name) => [/** @type {number | Int32Array} */ (gl.getParameter(name))].flatMap((value) =>
      typeof value === "number" ? [value] : [...value],
    );
    const size = Math.min(...limits(gl.MAX_TEXTURE_SIZE), ...limits(gl.MAX_VIEWPORT_DIMS));
    const [units] = limits(gl.MAX_TEXTURE_IMAGE_UNITS);
    if (size < texture) refuse(`the bundle needs textures of ${texture} texels a side, and this device has ${size}`);
    if (units < samplers) refuse(`the bundle needs ${samplers} samplers, and this device has ${units}`);
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  createTexture(width, height) {
    return createTexture(this.gl, this.format, width, height);
  }

  /**
   * Fills the first rows of the bound texture.
   * @param {number} width
   * @param {number} height
   * @param {Floats} texels
   */
  upload(width, height, texels) {
    const { gl, format } = this;
    const data = format.upload === gl.FLOAT ? texels : Uint16Array.from(texels, numberToHalf);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RGBA, format.upload, data);
  }

  /**
   * Reads the first rows of the bound framebuffer, waiting for the device without blocking where WebGL 2 can.
   * @param {number} width
   * @param {number} height
   * @returns {Promise<Floats>}
   */
  async download(width, height) {
    const { gl, gl2 } = this;
    const count = 4 * width * height;
    if (this.format.download !== gl.FLOAT) {
      const halves = new Uint16Array(count);
      gl.readPixels(0, 0, width, height, gl.RGBA, this.format.download, halves);
      return Float32Array.from(halves, halfToNumber);
    }
    const texels = new Float32Array(count);
    if (!gl2) {
      gl.readPixels(0, 0, width, height, gl.RGBA, gl.FLOAT, texels);
      return texels;
    }
    const buffer = gl2.createBuffer();
    gl2.bindBuffer(gl2.PIXEL_PACK_BUFFER, buffer);
    gl2.bufferData(gl2.PIXEL_PACK_BUFFER, texels.byteLength, gl2.STREAM_READ);
    gl2.readPixels(0, 0, width, height, gl2.RGBA, gl2.FLOAT, 0);
    gl2.bindBuffer(gl2.PIXEL_PACK_BUFFER, null);
    await this.#finished(gl2);
    gl2.bindBuffer(gl2.PIXEL_PACK_BUFFER, buffer);
    gl2.getBufferSubData(gl2.PIXEL_PACK_BUFFER, 0, texels);
    gl2.bindBuffer(gl2.PIXEL_PACK_BUFFER, null);
    gl2.deleteBuffer(buffer);
    return texels;
  }

  /** @param {WebGL2RenderingContext} gl */
  async #finished(gl) {
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    if (!fence) this.checkAlive();
    while (fence && gl.clientWaitSync(fence, 0, 0) === gl.TIMEOUT_EXPIRED) {
      this.checkAlive();
      await nextTask();
    }
    gl.deleteSync(fence);
  }

  /**
   * Begins to compile; `linked` waits for the result.
   * @param {string} fragment
   * @param {number} samplers
   */
  compile(fragment, samplers) {
    const { gl } = this;
    const program = gl.createProgram();
    const shaders = [
      { type: gl.VERTEX_SHADER, source: VERTEX[this.#name] },
      { type: gl.FRAGMENT_SHADER, source: fragment },
    ].map(({ type, source }) => {
      const shader = gl.createShader(type);
      if (!shader) throw this.failure("no shader could be created");
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      return shader;
    });
    gl.bindAttribLocation(program, 0, "p");
    gl.linkProgram(program);
    return { program, shaders, samplers };
  }

  /**
   * @param {ReturnType<Device["compile"]>} compiled
   * @param {number} index
   */
  async linked({ program, shaders, samplers }, index) {
    const { gl } = this;
    while (gl.getExtension("KHR_parallel_shader_compile") && !gl.getProgramParameter(program, COMPLETION_STATUS)) {
      this.checkAlive();
      await nextTask();
    }
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      const logs = [...shaders.map((shader) => gl.getShaderInfoLog(shader)), gl.getProgramInfoLog(program)];
      throw this.failure(`shader ${index} did not compile: ${logs.filter(Boolean).join("\n")}`);
    }
    shaders.forEach((shader) => gl.deleteShader(shader));
    gl.useProgram(program);
    // The sampler of input i is unit i, for good.
    for (let i = 0; i < samplers; i++) gl.uniform1i(gl.getUniformLocation(program, `b${i}`), i);
    return program;
  }

  checkAlive() {
    if (this.gl.isContextLost()) throw this.failure("");
  }

  checkErrors() {
    const code = this.gl.getError();
    if (code !== this.gl.NO_ERROR) throw this.failure(`WebGL reports error 0x${code.toString(16)}`);
  }

  /**
   * @param {string} what
   * @returns {WebDnnError} that it failed, or that the context was lost, which makes everything fail
   */
  failure(what) {
    if (!this.gl.isContextLost()) return new WebDnnError(what, OTHER_BACKENDS);
    return new WebDnnError("the WebGL context was lost", "load the model again");
  }

  /** Frees the context and all that belongs to it. */
  release() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** @param {string} reason @returns {never} */
function refuse(reason) {
  throw new WebDnnError(reason, OTHER_BACKENDS);
}

/**
 * @param {"webgl2" | "webgl1"} name
 * @returns {Gl}
 */
function createContext(name) {
  const attributes = { alpha: false, antialias: false, depth: false, powerPreference: "high-performance" };
  const id = name === "webgl2" ? "webgl2" : "webgl";
  const canvases = [
    () => ("OffscreenCanvas" in globalThis ? new OffscreenCanvas(1, 1) : undefined),
    // Some browsers have OffscreenCanvas without WebGL.
    () => globalThis.document?.createElement("canvas"),
  ];
  for (const create of canvases) {
    const gl = /** @type {Gl | null | undefined} */ (create()?.getContext(id, attributes));
    if (gl) return gl;
  }
  return refuse(`${name} is not available`);
}

/**
 * The first format that can be rendered to and read back: 32-bit floats, else 16-bit.
 * @param {Gl} gl
 * @returns {Format}
 */
function renderableFormat(gl) {
  for (const [internal, upload] of candidateFormats(gl)) {
    const texture = createTexture(gl, { internal, upload, download: 0 }, 1, 1);
    const framebuffer = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    const complete = gl.checkFramebufferStatus(gl.FRAMEBUFFER) === gl.FRAMEBUFFER_COMPLETE;
    const download = complete ? readableType(gl, upload) : undefined;
    gl.deleteFramebuffer(framebuffer);
    gl.deleteTexture(texture);
    if (download !== undefined) return { internal, upload, download };
  }
  return refuse("this device renders to no float texture (neither RGBA32F nor RGBA16F)");
}

/**
 * @param {Gl} gl
 * @returns {Array<[internal: number, upload: number]>}
 */
function candidateFormats(gl) {
  if ("RGBA32F" in gl) {
    gl.getExtension("EXT_color_buffer_float");
    gl.getExtension("EXT_color_buffer_half_float");
    return [
      [gl.RGBA32F, gl.FLOAT],
      [gl.RGBA16F, gl.FLOAT],
    ];
  }
  gl.getExtension("WEBGL_color_buffer_float");
  gl.getExtension("EXT_color_buffer_half_float");
  /** @type {Array<[number, number]>} */
  const formats = [];
  if (gl.getExtension("OES_texture_float")) formats.push([gl.RGBA, gl.FLOAT]);
  if (gl.getExtension("OES_texture_half_float")) formats.push([gl.RGBA, HALF_FLOAT_OES]);
  return formats;
}

/**
 * @param {Gl} gl
 * @param {number} upload
 * @returns {number | undefined} the type in which the bound framebuffer can be read
 */
function readableType(gl, upload) {
  while (gl.getError() !== gl.NO_ERROR);
  for (const [type, pixel] of /** @type {const} */ ([
    [gl.FLOAT, new Float32Array(4)],
    [upload, new Uint16Array(4)],
  ])) {
    gl.readPixels(0, 0, 1, 1, gl.RGBA, type, pixel);
    if (gl.getError() === gl.NO_ERROR) return type;
  }
  return undefined;
}

/**
 * @param {Gl} gl
 * @param {Format} format
 * @param {number} width
 * @param {number} height
 */
function createTexture(gl, format, width, height) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, format.internal, width, height, 0, gl.RGBA, format.upload, null);
  for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
    gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
  }
  for (const wrap of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, wrap, gl.CLAMP_TO_EDGE);
  return texture;
}

/** @returns {Promise<void>} the next task, without the delay that timers have */
function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
