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

/** @typedef {{ texture: GPUTexture, parameters: GPUBuffer, group: GPUBindGroup }} Slot */

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
   * Has the pixels copied, and adds the dispatch that converts them.
   * @param {GPUComputePassEncoder} pass
   * @param {Picture} picture
   * @param {{ buffer: GPUBuffer, offset: number, size: number }} place of the input
   */
  convert(pass, { width, height, parameters, source }, place) {
    const key = `${place.offset} ${width} ${height}`;
    const slot = this.#slots.get(key) ?? this.#createSlot(width, height, place);
    this.#slots.set(key, slot);
    const { queue } = this.#gpu;
    queue.copyExternalImageToTexture({ source }, { texture: slot.texture }, [width, height]);
    queue.writeBuffer(slot.parameters, 0, parameters);
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, slot.group);
    pass.dispatchWorkgroups(Math.ceil(width / 8), Math.ceil(height / 8));
  }

  dispose() {
    for (const { texture, parameters } of this.#slots.values()) {
      texture.destroy();
      parameters.destroy();
    }
  }

  /**
   * @param {number} width
   * @param {number} height
   * @param {{ buffer: GPUBuffer, offset: number, size: number }} place
   * @returns {Slot}
   */
  #createSlot(width, height, place) {
    const { TEXTURE_BINDING, COPY_DST, RENDER_ATTACHMENT } = GPUTextureUsage;
    const usage = TEXTURE_BINDING | COPY_DST | RENDER_ATTACHMENT;
    const texture = this.#gpu.createTexture({ size: [width, height], format: "rgba8unorm", usage });
    const parameters = this.#gpu.createBuffer({ size: 96, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    const group = this.#gpu.createBindGroup({
      layout: this.#pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: texture.createView() },
        { binding: 1, resource: place },
        { binding: 2, resource: { buffer: parameters } },
      ],
    });
    return { texture, parameters, group };
  }
}
