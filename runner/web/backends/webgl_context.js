/** @file WebGL contexts that render to float textures: sessions share one, which is freed with the last of them. */

import { WebDnnError } from "../error.js";

/** @import { Layers } from "../manifest.js" */

/** @typedef {WebGLRenderingContext | WebGL2RenderingContext} Gl */
/** @typedef {"webgl2" | "webgl1"} Language */

/** How the texels of all textures are stored and passed. */
/** @typedef {{ internal: number, upload: number, download: number }} Format */

const OTHER_BACKENDS = "allow other backends in load()";

// WebGL 1 and its extensions share WebGL 2's numbers, except for this one.
const HALF_FLOAT_OES = 0x8d61;

/** @type {Partial<Record<Language, Context>>} */
const shared = {};

/**
 * @param {Language} language
 * @returns {Context} to be released once
 */
export function acquireContext(language) {
  let context = shared[language];
  if (!context?.usable) shared[language] = context = new Context(language);
  context.users++;
  return context;
}

/** A context, the textures' format, and how many sessions use it. */
class Context {
  users = 0;

  /** @param {Language} language */
  constructor(language) {
    this.language = language;
    this.gl = createContext(language);
    try {
      this.format = renderableFormat(this.gl);
    } catch (error) {
      this.#free();
      throw error;
    }
    this.triangle = setUp(this.gl);
  }

  get usable() {
    return this.users > 0 && !this.gl.isContextLost();
  }

  release() {
    if (--this.users > 0) return;
    this.gl.deleteBuffer(this.triangle);
    this.#free();
  }

  #free() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/**
 * @param {Gl} gl
 * @returns {WebGLBuffer} one triangle that covers every target
 */
function setUp(gl) {
  const triangle = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, triangle);
  gl.bufferData(gl.ARRAY_BUFFER, Float32Array.of(-1, -1, 3, -1, -1, 3), gl.STATIC_DRAW);
  gl.enableVertexAttribArray(0);
  gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
  gl.disable(gl.DITHER);
  gl.disable(gl.BLEND);
  return triangle;
}

/** @param {string} reason @returns {never} */
export function refuse(reason) {
  throw new WebDnnError(reason, OTHER_BACKENDS);
}

/**
 * @param {Language} language
 * @returns {Gl}
 */
function createContext(language) {
  const attributes = { alpha: false, antialias: false, depth: false, powerPreference: "high-performance" };
  const id = language === "webgl2" ? "webgl2" : "webgl";
  const canvases = [
    () => ("OffscreenCanvas" in globalThis ? new OffscreenCanvas(1, 1) : undefined),
    // Some browsers have OffscreenCanvas without WebGL.
    () => globalThis.document?.createElement("canvas"),
  ];
  for (const create of canvases) {
    const gl = /** @type {Gl | null | undefined} */ (create()?.getContext(id, attributes));
    if (gl) return gl;
  }
  return refuse(`${language} is not available`);
}

/**
 * The first format that can be rendered to and read back: 32-bit floats, else 16-bit.
 * @param {Gl} gl
 * @returns {Format}
 */
function renderableFormat(gl) {
  for (const [internal, upload] of candidateFormats(gl)) {
    const texture = createTexture(gl, { internal, upload }, 1, 1);
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
 * @param {Pick<Format, "internal" | "upload">} format
 * @param {number} width
 * @param {number} height
 */
export function createTexture(gl, format, width, height) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, format.internal, width, height, 0, gl.RGBA, format.upload, null);
  sampleNearest(gl, gl.TEXTURE_2D);
  return texture;
}

/**
 * @param {WebGL2RenderingContext} gl
 * @param {Format} format
 * @param {Layers} layers
 */
export function createLayers(gl, format, { width, height, count }) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D_ARRAY, texture);
  gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, format.internal, width, height, count);
  sampleNearest(gl, gl.TEXTURE_2D_ARRAY);
  return texture;
}

/**
 * @param {Gl} gl
 * @param {number} target to which the texture is bound
 */
function sampleNearest(gl, target) {
  for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(target, filter, gl.NEAREST);
  for (const wrap of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(target, wrap, gl.CLAMP_TO_EDGE);
}
