/** @file Lays a graph out in layers: every edge points down, few edges cross, and chains are straight. */

export const WIDTH = 208;
export const HEIGHT = 58;
const LAYER = HEIGHT + 40;
const GAP = 26;
const BEND = 14;

/** Bends make way for nodes: else a graph with long edges on one side would lean. */
const BEND_WEIGHT = 0.02;

const ORDER_SWEEPS = 12;
const PLACE_SWEEPS = 14;

/**
 * @typedef {{ id: number, ins: number[] }} Vertex
 * @typedef {{ id: number, layer: number, x: number, width: number, above: Box[], below: Box[], rank: number }} Box
 * @typedef {{ from: number, to: number, points: [number, number][] }} Edge
 * @typedef {{ x: number, y: number }} Point
 */

/**
 * Centres of nodes, and edges as points from node to node. A node stands behind those that it reads from in `vertices`.
 * @param {Vertex[]} vertices
 * @returns {{ places: Map<number, Point>, edges: Edge[] }}
 */
export function layOut(vertices) {
  const boxes = inLayers(vertices);
  /** @type {{ from: number, to: number, chain: Box[] }[]} */
  const links = [];
  const layers = /** @type {Box[][]} */ ([]);
  for (const box of boxes.values()) (layers[box.layer] ??= []).push(box);
  for (const { id, ins } of vertices) {
    for (const source of ins) links.push({ from: source, to: id, chain: chained(at(boxes, source), at(boxes, id), layers) });
  }
  layers.forEach((layer) => layer.forEach((box, rank) => (box.rank = rank)));
  for (let sweep = 0; sweep < ORDER_SWEEPS; sweep++) order(layers, sweep % 2 === 0);
  layers.forEach(pack);
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep++) align(layers, sweep % 2 === 0);
  const places = new Map([...boxes].map(([id, box]) => [id, { x: box.x, y: box.layer * LAYER }]));
  const edges = links.map(({ from, to, chain }) => ({ from, to, points: chain.map((box) => pointOf(box)) }));
  return { places, edges };
}

/** @param {Box} box @returns {[number, number]} */
function pointOf(box) {
  return [box.x, box.layer * LAYER];
}

/** @param {Map<number, Box>} boxes @param {number} id */
function at(boxes, id) {
  const box = boxes.get(id);
  if (!box) throw new Error(`the graph has no node ${id}`);
  return box;
}

/** The longest way from a source; sources come down to just above their first reader. @param {Vertex[]} vertices */
function inLayers(vertices) {
  /** @type {Map<number, Box>} */
  const boxes = new Map();
  /** @type {Map<number, number>} */
  const first = new Map();
  for (const { id, ins } of vertices) {
    const layer = ins.reduce((most, source) => Math.max(most, at(boxes, source).layer + 1), 0);
    boxes.set(id, newBox(id, layer, WIDTH));
    for (const source of ins) first.set(source, Math.min(first.get(source) ?? Infinity, layer));
  }
  for (const { id, ins } of vertices) if (!ins.length && first.has(id)) at(boxes, id).layer = (first.get(id) ?? 1) - 1;
  return boxes;
}

/** @param {number} id @param {number} layer @param {number} width @returns {Box} */
function newBox(id, layer, width) {
  return { id, layer, x: 0, width, above: [], below: [], rank: 0 };
}

/** An edge as neighbours from layer to layer, with bends where it passes a layer. @param {Box} from @param {Box} to @param {Box[][]} layers */
function chained(from, to, layers) {
  const chain = [from];
  for (let layer = from.layer + 1; layer < to.layer; layer++) {
    const bend = newBox(-1, layer, BEND);
    (layers[layer] ??= []).push(bend);
    chain.push(bend);
  }
  chain.push(to);
  for (let i = 1; i < chain.length; i++) {
    chain[i].above.push(chain[i - 1]);
    chain[i - 1].below.push(chain[i]);
  }
  return chain;
}

/** Sorts every layer by the middle of what it is joined to in the layer before. @param {Box[][]} layers @param {boolean} down */
function order(layers, down) {
  for (const layer of down ? layers : layers.toReversed()) {
    const wanted = new Map(layer.map((box) => [box, mean(down ? box.above : box.below, (it) => it.rank) ?? box.rank]));
    layer.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
    layer.forEach((box, rank) => (box.rank = rank));
  }
}

/** @param {Box[]} boxes @param {(box: Box) => number} value */
function mean(boxes, value) {
  return boxes.length ? boxes.reduce((sum, box) => sum + value(box), 0) / boxes.length : undefined;
}

/** Side by side, around 0. @param {Box[]} layer */
function pack(layer) {
  let x = 0;
  for (const box of layer) {
    box.x = x + box.width / 2;
    x += box.width + GAP;
  }
  for (const box of layer) box.x -= (x - GAP) / 2;
}

/**
 * Moves every layer as near as it goes to what it is joined to. A node stands below nodes, whatever passes by.
 * @param {Box[][]} layers
 * @param {boolean} down
 */
function align(layers, down) {
  for (const layer of down ? layers : layers.toReversed()) {
    const wanted = layer.map((box) => {
      const joined = down ? box.above : box.below;
      const nodes = joined.filter((it) => it.id >= 0);
      return mean(box.id >= 0 && nodes.length ? nodes : joined, (it) => it.x) ?? box.x;
    });
    spread(layer, wanted);
  }
}

/**
 * The places nearest to those wanted, in the sense of least squares, that keep the order and the gaps of a layer:
 * neighbours that would overlap move as one block (the pool-adjacent-violators algorithm).
 * @param {Box[]} layer
 * @param {number[]} wanted
 */
function spread(layer, wanted) {
  /** @type {{ sum: number, count: number, size: number }[]} */
  const blocks = [];
  let offset = 0;
  const offsets = layer.map((box, i) => {
    if (i) offset += (layer[i - 1].width + box.width) / 2 + GAP;
    return offset;
  });
  layer.forEach((box, i) => {
    const weight = box.id < 0 ? BEND_WEIGHT : 1;
    let block = { sum: (wanted[i] - offsets[i]) * weight, count: weight, size: 1 };
    for (let last = blocks.at(-1); last && last.sum / last.count > block.sum / block.count; last = blocks.at(-1)) {
      blocks.pop();
      block = { sum: last.sum + block.sum, count: last.count + block.count, size: last.size + block.size };
    }
    blocks.push(block);
  });
  let i = 0;
  for (const { sum, count, size } of blocks) {
    for (let k = 0; k < size; k++, i++) layer[i].x = sum / count + offsets[i];
  }
}
