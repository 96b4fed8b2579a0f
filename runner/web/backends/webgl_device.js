/** @file What a session has of a WebGL context: its textures and programs, which go with it, and its failures. */

import { WebDnnError } from "../error.js";
import { halfToNumber, numberToHalf } from "../tensors.js";
import { acquireContext, createLayers, createTexture, refuse } from "./webgl_context.js";
import { Fence, nextTask } from "./webgl_fence.js";

/** @import { Layers } from "../manifest.js" */
/** @import { Language } from "./webgl_context.js" */

/** @typedef {Float32Array<ArrayBuffer>} Floats */
/** @typedef {{ program: WebGLProgram, samplers: number }} Compiled */

const COMPLETION_STATUS = 0x91b1;

const VERTEX = {
  webgl2: "#version 300 es\nin vec2 p;void main(){gl_Position=vec4(p,0.,1.);}",
  webgl1: "attribute vec2 p;void main(){gl_Position=vec4(p,0.,1.);}",
};

/**
 * A context as one session sees it. Others use it in between: what is bound, and errors that have not been asked for,
 * are of no meaning after waiting for something.
 */
export class Device {
  #context;
  #released = false;
  /** @type {Map<object, () => void>} what the session has made, and how it is deleted */
  #owned = new Map();
  #fence = new Fence();

  /** @param {Language} language */
  constructor(language) {
    this.#context = acquireContext(language);
    this.gl = this.#context.gl;
    this.format = this.#context.format;
  }

  /** @returns {WebGL2RenderingContext | undefined} the context, if it is WebGL 2 */
  get gl2() {
    return this.#context.language === "webgl2" ? /** @type {WebGL2RenderingContext} */ (this.gl) : undefined;
  }

  get lost() {
    return this.gl.isContextLost();
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
   * @param {Pick<Device["format"], "internal" | "upload">} [format] floats, unless it says otherwise
   */
  createTexture(width, height, format = this.format) {
    const texture = createTexture(this.gl, format, width, height);
    this.#owned.set(texture, () => this.gl.deleteTexture(texture));
    return texture;
  }

  /**
   * @param {WebGL2RenderingContext} gl
   * @param {Layers} layers of floats
   */
  createLayers(gl, layers) {
    const texture = createLayers(gl, this.format, layers);
    this.#owned.set(texture, () => gl.deleteTexture(texture));
    return texture;
  }

  /**
   * @param {WebGLTexture} texture of floats
   * @param {string} extent of it, for the error
   * @param {number} [layers] of an array, if it is one
   */
  createFramebuffer(texture, extent, layers = 0) {
    const { gl, gl2 } = this;
    const framebuffer = gl.createFramebuffer();
    this.#owned.set(framebuffer, () => gl.deleteFramebuffer(framebuffer));
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    if (gl2 && layers > 0) {
      const places = Array.from({ length: layers }, (_, layer) => gl2.COLOR_ATTACHMENT0 + layer);
      places.forEach((place, layer) => gl2.framebufferTextureLayer(gl2.FRAMEBUFFER, place, texture, 0, layer));
      gl2.drawBuffers(places);
    } else {
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    }
    if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) === gl.FRAMEBUFFER_COMPLETE) return framebuffer;
    throw this.failure(`a texture of ${extent} float texels cannot be rendered to`);
  }

  /** @param {object} [made] what is needed no more */
  delete(made) {
    if (!made) return;
    this.#owned.get(made)?.();
    this.#owned.delete(made);
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
   * Reads the first rows of the framebuffer that is bound when it is called, waiting for the device without blocking
   * where WebGL 2 can.
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
      await nextTask(); // a device that was lost while it drew gave zeros, and says so only now
      return texels;
    }
    const buffer = gl2.createBuffer();
    try {
      gl2.bindBuffer(gl2.PIXEL_PACK_BUFFER, buffer);
      gl2.bufferData(gl2.PIXEL_PACK_BUFFER, texels.byteLength, gl2.STREAM_READ);
      gl2.readPixels(0, 0, width, height, gl2.RGBA, gl2.FLOAT, 0);
      gl2.bindBuffer(gl2.PIXEL_PACK_BUFFER, null);
      await this.#finished(gl2);
      gl2.bindBuffer(gl2.PIXEL_PACK_BUFFER, buffer);
      gl2.getBufferSubData(gl2.PIXEL_PACK_BUFFER, 0, texels);
      gl2.bindBuffer(gl2.PIXEL_PACK_BUFFER, null);
    } finally {
      gl2.deleteBuffer(buffer);
    }
    return texels;
  }

  /** @param {WebGL2RenderingContext} gl */
  async #finished(gl) {
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    if (!fence) this.checkAlive();
    try {
      await this.#fence.passed(() => {
        const done = !fence || gl.clientWaitSync(fence, 0, 0) !== gl.TIMEOUT_EXPIRED;
        if (!done) this.checkAlive();
        return done;
      });
    } finally {
      gl.deleteSync(fence);
    }
  }

  /**
   * Begins to compile; `linked` waits for the result.
   * @param {string} fragment
   * @param {number} samplers
   * @param {Language} [language] of the shader: WebGL 2 knows that of WebGL 1 too
   * @returns {Compiled}
   */
  compile(fragment, samplers, language = this.#context.language) {
    const { gl } = this;
    const program = gl.createProgram();
    this.#owned.set(program, () => this.#deleteProgram(program));
    for (const [type, source] of /** @type {const} */ ([
      [gl.VERTEX_SHADER, VERTEX[language]],
      [gl.FRAGMENT_SHADER, fragment],
    ])) {
      const shader = gl.createShader(type);
      if (!shader) throw this.failure("no shader could be created");
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "p");
    gl.linkProgram(program);
    return { program, samplers };
  }

  /**
   * @param {Compiled} compiled
   * @param {number | string} name
   */
  async linked({ program, samplers }, name) {
    const { gl } = this;
    const parallel = gl.getExtension("KHR_parallel_shader_compile");
    await new Fence().passed(() => {
      const done = !parallel || Boolean(gl.getProgramParameter(program, COMPLETION_STATUS));
      if (!done) this.checkAlive();
      return done;
    });
    this.checkAlive();
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      const shaders = gl.getAttachedShaders(program) ?? [];
      const logs = [...shaders.map((shader) => gl.getShaderInfoLog(shader)), gl.getProgramInfoLog(program)];
      throw this.failure(`shader ${name} did not compile: ${logs.filter(Boolean).join("\n")}`);
    }
    this.#deleteShaders(program);
    gl.useProgram(program);
    // The sampler of input i is unit i, for good.
    for (let i = 0; i < samplers; i++) gl.uniform1i(gl.getUniformLocation(program, `b${i}`), i);
    return program;
  }

  /** @param {WebGLProgram} program */
  #deleteProgram(program) {
    this.#deleteShaders(program);
    this.gl.deleteProgram(program);
  }

  /** @param {WebGLProgram} program */
  #deleteShaders(program) {
    for (const shader of this.gl.getAttachedShaders(program) ?? []) {
      this.gl.detachShader(program, shader);
      this.gl.deleteShader(shader);
    }
  }

  /** Throws if there is nothing left to compute with. */
  checkAlive() {
    if (this.lost || this.#released) throw this.failure("the session is disposed");
  }

  /** To be called before anything is waited for, so that errors are those of the session. */
  checkErrors() {
    const code = this.gl.getError();
    if (code !== this.gl.NO_ERROR) throw this.failure(`WebGL reports error 0x${code.toString(16)}`);
  }

  /**
   * @param {string} what
   * @returns {WebDnnError} that it failed, or that the context was lost, which makes everything fail
   */
  failure(what) {
    if (!this.lost) return new WebDnnError(what, "allow other backends in load()");
    return new WebDnnError("the WebGL context was lost", "run again: the session makes another context");
  }

  /** Deletes what the session has made, and the context if it was the last that used it. */
  release() {
    this.#released = true;
    for (const made of this.#owned.keys()) this.delete(made);
    this.#context.release();
  }
}
