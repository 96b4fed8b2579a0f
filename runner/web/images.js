/** @file Images as inputs: how their pixels become elements, said once for all backends, and done for those on CPUs. */

import { WebDnnError } from "./error.js";
import { elementCount, fromStorage } from "./tensors.js";

/** @import { ImageInput, ImageSource, TypedArray } from "./index.js" */
/** @import { Tensor } from "./manifest.js" */

/** How much of red, green and blue is seen as brightness (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114, 0];

const CHANNELS = [1, 3, 4];

const KINDS = [
  ...["ImageData", "ImageBitmap", "HTMLImageElement", "HTMLCanvasElement", "OffscreenCanvas", "HTMLVideoElement"],
  "VideoFrame",
];

/**
 * An image for an input: element c of a pixel is column-wise matrix · (red, green, blue, alpha) + bias, channels being
 * from 0 to 1 and not multiplied by alpha.
 */
export class Picture {
  #tensor;

  /**
   * @param {Tensor} tensor
   * @param {ImageInput} given
   */
  constructor(tensor, given) {
    const refuse = refusalOf(tensor);
    this.#tensor = tensor;
    this.source = given.source;
    if (tensor.type !== "f32" && tensor.type !== "f16") refuse("takes no image", "images become f32 or f16");
    const { planar, extents } = shapeOf(tensor, given.layout, refuse);
    const [channels, height, width] = extents;
    checkSource(given.source, width, height, refuse);
    const { matrix, bias } = conversion(given, channels, refuse);
    this.width = width;
    this.height = height;
    /** The matrix of 16 numbers, the bias of 4, and width, height, channels, and 1 where each channel is a plane. */
    this.parameters = Float32Array.of(...matrix, ...bias, width, height, channels, Number(planar));
  }

  /** @returns {TypedArray} the elements, in the tensor's type */
  array() {
    const { parameters } = this;
    const [channels, planar] = parameters.subarray(22);
    const pixels = pixelsOf(this.source, this.width, this.height);
    const count = this.width * this.height;
    const elements = new Float32Array(elementCount(this.#tensor));
    for (let c = 0; c < channels; c++) {
      const [red, green, blue, alpha] = [0, 4, 8, 12].map((k) => parameters[k + c] / 255);
      const bias = parameters[16 + c];
      for (let i = 0; i < count; i++) {
        const at = 4 * i;
        elements[planar ? c * count + i : i * channels + c] =
          red * pixels[at] + green * pixels[at + 1] + blue * pixels[at + 2] + alpha * pixels[at + 3] + bias;
      }
    }
    return fromStorage(this.#tensor, elements);
  }
}

/** @typedef {(problem: string, hint: string) => never} Refuse */

/** @param {Tensor} tensor @returns {Refuse} */
function refusalOf({ name, type, shape }) {
  return (problem, hint) => {
    throw new WebDnnError(`input '${name}' (${type}[${shape.join(", ")}]) ${problem}`, hint);
  };
}

/**
 * @param {Tensor} tensor
 * @param {ImageInput["layout"]} layout
 * @param {Refuse} refuse
 */
function shapeOf({ shape }, layout, refuse) {
  const first = Math.max(0, shape.length - 3);
  const inner = shape.length === 2 ? [1, ...shape] : shape.slice(first);
  if (inner.length !== 3 || shape.slice(0, first).some((extent) => extent !== 1)) {
    refuse("takes no image", "an image has the shape [1, channels, height, width] or [1, height, width, channels]");
  }
  const known = layout === undefined || layout === "chw" || layout === "hwc";
  if (!known) refuse(`has no layout '${String(layout)}'`, 'give "chw" or "hwc", or leave it out');
  const planar = layout ? layout === "chw" : CHANNELS.includes(inner[0]) || !CHANNELS.includes(inner[2]);
  const extents = planar ? inner : [inner[2], inner[0], inner[1]];
  if (!CHANNELS.includes(extents[0])) refuse(`has ${extents[0]} channels`, "images give 1, 3 or 4; name the layout");
  return { planar, extents };
}

/**
 * @param {ImageSource} source
 * @param {number} width
 * @param {number} height
 * @param {Refuse} refuse
 */
function checkSource(source, width, height, refuse) {
  const kind = Object.prototype.toString.call(source).slice(8, -1);
  if (!KINDS.includes(kind)) refuse(`is given a ${kind} as an image`, `give one of ${KINDS.join(", ")}`);
  if ("data" in source && source.data.BYTES_PER_ELEMENT !== 1) refuse("is given floats", "give bytes of 0 to 255");
  const has = sizeOf(source);
  if (has[0] === width && has[1] === height) return;
  const hint = `scale it by createImageBitmap(source, { resizeWidth: ${width}, resizeHeight: ${height} })`;
  refuse(`takes an image of ${width} × ${height} pixels, and is given ${has.join(" × ")}`, hint);
}

/**
 * @param {ImageSource} source
 * @returns {[width: number, height: number]} of its pixels, not of its place in a page
 */
function sizeOf(source) {
  if ("videoWidth" in source) return [source.videoWidth, source.videoHeight];
  if ("displayWidth" in source) return [source.displayWidth, source.displayHeight];
  if ("naturalWidth" in source) return [source.naturalWidth, source.naturalHeight];
  return [source.width, source.height];
}

/**
 * @param {ImageInput} given
 * @param {number} channels
 * @param {Refuse} refuse
 */
function conversion({ order = "rgb", mean = 0, std = 1 }, channels, refuse) {
  if (order !== "rgb" && order !== "bgr") refuse(`has no order '${String(order)}'`, 'give "rgb" or "bgr"');
  const [means, deviations] = [mean, std].map((given) => {
    const numbers = typeof given === "number" ? Array.from({ length: channels }, () => given) : [...given];
    if (numbers.length === channels && numbers.every(Number.isFinite)) return numbers;
    return refuse(`has a mean or std of [${numbers.join(", ")}]`, `give a number, or ${channels} in the order of channels`);
  });
  if (deviations.includes(0)) refuse("has a std of 0", "elements are (channel - mean) / std, channels from 0 to 1");
  const matrix = Array.from({ length: 16 }, () => 0);
  const bias = [0, 0, 0, 0];
  for (let c = 0; c < channels; c++) {
    const from = order === "bgr" && c < 3 ? 2 - c : c;
    for (let k = 0; k < 4; k++) matrix[4 * k + c] = (channels === 1 ? LUMA[k] : Number(k === from)) / deviations[c];
    bias[c] = -means[c] / deviations[c];
  }
  return { matrix, bias };
}

/** @type {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | undefined} where images are drawn to be read */
let scratch;

/**
 * @param {ImageSource} source
 * @param {number} width
 * @param {number} height
 * @returns {ArrayLike<number>} red, green, blue and alpha of each pixel, from 0 to 255
 */
function pixelsOf(source, width, height) {
  const given = "data" in source ? source : undefined;
  // Browsers that do not say it know no other.
  if (given && (given.colorSpace ?? "srgb") === "srgb") return given.data;
  scratch ??= createScratch();
  // This clears it too.
  Object.assign(scratch.canvas, { width, height });
  if (given) scratch.putImageData(given, 0, 0);
  else scratch.drawImage(/** @type {CanvasImageSource} */ (source), 0, 0, width, height);
  return scratch.getImageData(0, 0, width, height).data;
}

function createScratch() {
  const canvas = "OffscreenCanvas" in globalThis ? new OffscreenCanvas(1, 1) : document.createElement("canvas");
  const options = { willReadFrequently: true };
  const context = /** @type {CanvasRenderingContext2D | null} */ (canvas.getContext("2d", options));
  if (!context) throw new WebDnnError("no canvas can be drawn to", "give the image as ImageData");
  return context;
}
