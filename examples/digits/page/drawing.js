/** @file What a person draws: strokes on a canvas, and their image as the network's training data has it. */

/** The extent of the bitmap whose ink is counted, of the blocks that are counted, and of the image. */
const BITMAP = 32;
const BLOCK = 4;
const SIDE = BITMAP / BLOCK;

/** The width of a pen's line in the bitmap. */
const PEN = 3.6;

/** A drawing that is smaller than this part of the canvas is not enlarged to the full image: it is a dot. */
const SMALLEST = 0.15;

/** The width of a line on the canvas, as a part of it. */
const LINE = 0.07;

/** @typedef {{ x: number, y: number }} Point in parts of the canvas, from 0 to 1 */

export class Drawing {
  /** @type {Point[][]} */
  #strokes = [];
  /** @type {Float32Array | undefined} an image that is shown in place of strokes */
  #shown;
  #context;
  #bitmap = bitmapContext();
  #changed;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} changed is called after every change
   */
  constructor(canvas, changed) {
    this.#context = canvas.getContext("2d");
    this.#changed = changed;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      if (this.#shown) this.#forget();
      this.#strokes.push([]);
      this.#extend(canvas, event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.#extend(canvas, event);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  get empty() {
    return this.#strokes.length === 0 && !this.#shown;
  }

  clear() {
    this.#forget();
    this.#update();
  }

  /** @param {Float32Array} image ink from 0 to 1 in 8x8 pixels */
  show(image) {
    this.#forget();
    this.#shown = image;
    this.#update();
  }

  /** @returns {Float32Array} ink from 0 to 1 in 8x8 pixels, the drawing moved and scaled to fill them */
  image() {
    if (this.#shown) return this.#shown;
    const image = new Float32Array(SIDE * SIDE);
    if (this.empty) return image;
    const { data } = this.#filled();
    for (let y = 0; y < BITMAP; y++) {
      for (let x = 0; x < BITMAP; x++) {
        const pixel = Math.floor(y / BLOCK) * SIDE + Math.floor(x / BLOCK);
        image[pixel] += data[4 * (y * BITMAP + x) + 3] / (255 * BLOCK * BLOCK);
      }
    }
    return image;
  }

  #forget() {
    this.#strokes = [];
    this.#shown = undefined;
  }

  #update() {
    this.#draw();
    this.#changed();
  }

  /** Adds the places that a pointer has been at since the last event. */
  #extend(canvas, event) {
    const box = canvas.getBoundingClientRect();
    const events = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of events.length > 0 ? events : [event]) {
      this.#strokes.at(-1).push({ x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height });
    }
    this.#update();
  }

  #draw() {
    const { canvas } = this.#context;
    this.#context.clearRect(0, 0, canvas.width, canvas.height);
    this.#context.fillStyle = this.#context.strokeStyle = getComputedStyle(canvas).color;
    if (this.#shown) this.#drawPixels(this.#shown, canvas.width / SIDE);
    else trace(this.#context, this.#strokes, LINE * canvas.width, ({ x, y }) => [x * canvas.width, y * canvas.height]);
  }

  #drawPixels(image, size) {
    image.forEach((ink, i) => {
      this.#context.globalAlpha = ink;
      this.#context.fillRect((i % SIDE) * size, Math.floor(i / SIDE) * size, size, size);
    });
    this.#context.globalAlpha = 1;
  }

  /** The bitmap with the drawing in its middle, as large as it can be. */
  #filled() {
    const points = this.#strokes.flat();
    const [left, right] = range(points.map(({ x }) => x));
    const [top, bottom] = range(points.map(({ y }) => y));
    const scale = (BITMAP - PEN) / Math.max(right - left, bottom - top, SMALLEST);
    this.#bitmap.clearRect(0, 0, BITMAP, BITMAP);
    trace(this.#bitmap, this.#strokes, PEN, ({ x, y }) => [
      BITMAP / 2 + (x - (left + right) / 2) * scale,
      BITMAP / 2 + (y - (top + bottom) / 2) * scale,
    ]);
    return this.#bitmap.getImageData(0, 0, BITMAP, BITMAP);
  }
}

function bitmapContext() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = BITMAP;
  return canvas.getContext("2d", { willReadFrequently: true });
}

/** The least and the greatest of some numbers. */
function range(numbers) {
  return numbers.reduce(([low, high], x) => [Math.min(low, x), Math.max(high, x)], [Infinity, -Infinity]);
}

function trace(context, strokes, width, place) {
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    // A stroke of one point is a dot.
    for (const point of [stroke[0], ...stroke]) context.lineTo(...place(point));
    context.stroke();
  }
}
