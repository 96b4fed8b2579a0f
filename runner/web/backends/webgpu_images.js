/** @file Images as inputs on WebGPU: the device copies each into a texture, and a kernel writes its elements. */

/** @import { Picture } from "../images.js" */

const SOURCE = `struct Parameters { matrix: mat4x4f, bias: vec4f, image: vec4f }
@group(0) @binding(0) var pixels: texture_2d<f32>;
@group(0) @binding(1) var<storage, read_write> elements: array<f32>;
@group(0) @binding(2) var<uniform> p: Parameters;
@compute @workgroup_size(8, 8) fn convert(@builtin(global_invocation_id) at: vec3u) {
  let image = vec4u(p.image);
  if (at.x >= image.x || at.y >= image.y) { return; }
  let values = p.matrix * textureLoad(pixels, at.xy, 0) + p.bias;
  let pixel = at.y * image.x + at.x;
  for (var c = 0u; c < image.z; c++) {
    elements[select(pixel * image.z + c, c * image.x * image.y + pixel, image.w == 1u)] = values[c];
  }
}`;

/** @typedef {{ buffer: GPUBuffer, offset: number, size: number }} Place */
/** @typedef {{ texture: GPUTexture, uniforms: GPUBuffer, group: GPUBindGroup }} Slot */

/** The kernel and the images' textures of one session. */
export class ImageInputs {
  #gpu;
  #pipeline;
  /** @type {Map<string, Slot>} by the place of an input and the extents of the image */
  #slots = new Map();

  /** @param {GPUDevice} gpu */
  static async create(gpu) {
    const module = gpu.createShaderModule({ code: SOURCE });
    const compute = { module, entryPoint: "convert" };
    return new ImageInputs(gpu, await gpu.createComputePipelineAsync({ layout: "auto", compute }));
  }

  /**
   * @param {GPUDevice} gpu
   * @param {GPUComputePipeline} pipeline
   */
  constructor(gpu, pipeline) {
    this.#gpu = gpu;
    this.#pipeline = pipeline;
  }

  /**
   * Copies the pixels.
   * @param {Picture} picture
   * @param {Place} place of the input
   * @returns {boolean} whether the device could
   */
  take({ width, height, parameters, source }, place) {
    const { queue } = this.#gpu;
    const { texture, uniforms } = this.#slot(width, height, place);
    try {
      queue.copyExternalImageToTexture({ source }, { texture }, [width, height]);
    } catch {
      // Some videos, for one, are not where the device could read them; if nobody may, reading says so.
      return false;
    }
    queue.writeBuffer(uniforms, 0, parameters);
    return true;
  }

  /**
   * Adds the dispatch that converts the pixels that were taken.
   * @param {GPUComputePassEncoder} pass
   * @param {Picture} picture
   * @param {Place} place of the input
   */
  convert(pass, { width, height }, place) {
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#slot(width, height, place).group);
    pass.dispatchWorkgroups(Math.ceil(width / 8), Math.ceil(height / 8));
  }

  dispose() {
    for (const { texture, uniforms } of this.#slots.values()) {
      texture.destroy();
      uniforms.destroy();
    }
  }

  /**
   * @param {number} width
   * @param {number} height
   * @param {Place} place
   * @returns {Slot}
   */
  #slot(width, height, { buffer, offset, size }) {
    const key = `${offset} ${width} ${height}`;
    const known = this.#slots.get(key);
    if (known) return known;
    const { TEXTURE_BINDING, COPY_DST, RENDER_ATTACHMENT } = GPUTextureUsage;
    const usage = TEXTURE_BINDING | COPY_DST | RENDER_ATTACHMENT;
    const texture = this.#gpu.createTexture({ size: [width, height], format: "rgba8unorm", usage });
    const uniforms = this.#gpu.createBuffer({ size: 96, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    const layout = this.#pipeline.getBindGroupLayout(0);
    const resources = [texture.createView(), { buffer, offset, size }, { buffer: uniforms }];
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    const slot = { texture, uniforms, group: this.#gpu.createBindGroup({ layout, entries }) };
    this.#slots.set(key, slot);
    return slot;
  }
}
