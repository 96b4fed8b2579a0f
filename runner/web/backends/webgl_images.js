/** @file Images as inputs on WebGL: the device takes each as a texture, and a shader draws the texture of the input. */

/** @import { TextureTensor, Texture } from "../manifest.js" */
/** @import { Picture } from "../images.js" */
/** @import { Device } from "./webgl_device.js" */

/** Whole numbers that floats hold all. */
const MOST_ELEMENTS = 2 ** 24;

/** For both versions: each element finds its pixel and channel by its place among the rows of the input. */
const SHADER = `precision highp float;
uniform highp sampler2D b0;
uniform mat4 matrix;
uniform vec4 bias, image, rows;
vec2 divided(float a, float b) {
  float q = floor(a / b), r = a - q * b;
  if (r < 0.0) { q -= 1.0; r += b; }
  if (r >= b) { q += 1.0; r -= b; }
  return vec2(q, r);
}
float element(float at) {
  vec2 row = divided(at, rows.w);
  if (row.x >= rows.y || row.y >= rows.z) return 0.0;
  float place = row.x * rows.z + row.y;
  vec2 plane = divided(place, image.x * image.y), pixel = divided(place, image.z);
  vec2 point = divided(image.w > 0.5 ? plane.y : pixel.x, image.x).yx;
  float channel = image.w > 0.5 ? plane.x : pixel.y;
  vec4 all = matrix * texture2D(b0, (point + 0.5) / image.xy) + bias;
  return channel < 0.5 ? all.x : channel < 1.5 ? all.y : channel < 2.5 ? all.z : all.w;
}
void main() {
  float at = 4.0 * (floor(gl_FragCoord.y) * rows.x + floor(gl_FragCoord.x));
  gl_FragColor = vec4(element(at), element(at + 1.0), element(at + 2.0), element(at + 3.0));
}`;

/** The shader and the images' textures of one session. */
export class ImageInputs {
  #device;
  #program;
  /** @type {Map<string, WebGLTexture>} by their extents */
  #textures = new Map();

  /** @param {Device} device */
  static async create(device) {
    device.checkAlive();
    const program = await device.linked(device.compile(SHADER, 1, "webgl1"), "of images");
    device.checkErrors();
    return new ImageInputs(device, program);
  }

  /**
   * @param {Device} device
   * @param {WebGLProgram} program
   */
  constructor(device, program) {
    this.#device = device;
    this.#program = program;
  }

  /**
   * @param {Picture} picture
   * @param {TextureTensor} place
   * @returns {boolean} whether the device can do it
   */
  reads({ width, height }, { pieces, rows, rowStride }) {
    const { gl } = this.#device;
    const size = Number(gl.getParameter(gl.MAX_TEXTURE_SIZE));
    return !pieces && rows * rowStride < MOST_ELEMENTS && Math.max(width, height) <= size;
  }

  /**
   * @param {Picture} picture
   * @param {TextureTensor} place
   * @param {WebGLFramebuffer} framebuffer of the input's texture
   * @param {Texture} extent of it
   */
  draw({ width, height, parameters, source }, { rows, rowLength, rowStride }, framebuffer, extent) {
    const { gl } = this.#device;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.#texture(width, height));
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, source);
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.viewport(0, 0, extent.width, Math.ceil((rows * rowStride) / (4 * extent.width)));
    gl.useProgram(this.#program);
    /** @param {string} name */
    const place = (name) => gl.getUniformLocation(this.#program, name);
    gl.uniformMatrix4fv(place("matrix"), false, parameters.subarray(0, 16));
    gl.uniform4fv(place("bias"), parameters.subarray(16, 20));
    gl.uniform4fv(place("image"), parameters.subarray(20));
    gl.uniform4f(place("rows"), extent.width, rows, rowLength, rowStride);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #texture(width, height) {
    const { gl } = this.#device;
    const key = `${width} ${height}`;
    const bytes = { internal: gl.RGBA, upload: gl.UNSIGNED_BYTE };
    const texture = this.#textures.get(key) ?? this.#device.createTexture(width, height, bytes);
    this.#textures.set(key, texture);
    return texture;
  }
}
