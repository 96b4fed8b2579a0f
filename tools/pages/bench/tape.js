/** @file Plays a tape: a list of operations, in the words of TensorFlow.js, that computes what an ONNX model does. */

const WEIGHTS = ["w", "b", "wq", "bq", "wk", "bk", "wv", "bv", "wo", "bo"];

/** Activations that convolutions and dense layers of the library apply themselves. */
const FUSED = new Set(["relu", "relu6"]);

/** An operation of the tape -> its result, from what it reads, its step and its weights. */
const OPERATIONS = {
  conv: (tf, [x], step) => activated(tf, tf.fused.conv2d(windowOf(x, step)), step.act),
  dw: (tf, [x], step) => activated(tf, tf.fused.depthwiseConv2d(windowOf(x, step)), step.act),
  maxpool: (tf, [x], { k, st, pad }) => tf.maxPool(x, k, st, pad || "valid", pad ? "floor" : undefined),
  gap: (tf, [x]) => tf.mean(x, [1, 2]),
  add: (tf, [a, b], { act }) => (act === "relu" ? tf.relu(tf.add(a, b)) : tf.add(a, b)),
  concat: (tf, parts) => tf.concat(parts, 3),
  flatten: (_, [x]) => x,
  dense: (tf, [a], { w, b, act }) => tf.fused.matMul({ a, b: w, bias: b, activation: fusedActivation(act) }),
  linear: (tf, [x], { w, b }) => projected(tf, x, w, b),
  relu: (tf, [x]) => tf.relu(x),
  sigmoid: (tf, [x]) => tf.sigmoid(x),
  gelu: (tf, [x]) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  ln: (tf, [x], { w, b }) => normalized(tf, x, w, b),
  mha: (tf, [x, mask], step) => attention(tf, x, mask, step),
  embed: (tf, [ids], { w }) => tf.expandDims(tf.gather(w, tf.reshape(ids, [-1])), 0),
  addc: (tf, [x], { w }) => tf.add(x, w),
  mask: (tf, [x]) => tf.reshape(tf.mul(tf.sub(1, tf.cast(x, "float32")), -10000), [1, 1, -1]),
};

/**
 * The steps with their weights as tensors.
 * @param {ArrayBuffer} content the bytes of all weights
 */
export function bind(tf, tape, content) {
  const tensor = ({ off, shape }) => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    return tf.tensor(new Float32Array(content, off, count), shape);
  };
  return tape.map((step) => {
    const given = WEIGHTS.filter((key) => step[key]).map((key) => [key, tensor(step[key])]);
    return { ...step, ...Object.fromEntries(given) };
  });
}

/** Runs the steps on tensors by name; answers the outputs. */
export function play(tf, steps, values) {
  const outputs = [];
  for (const step of steps) {
    const operands = step.ins.map((name) => values[name]);
    if (step.op === "out") {
      outputs.push(tf.clone(operands[0]));
      continue;
    }
    if (!OPERATIONS[step.op]) throw new Error(`the tape's operation '${step.op}' is not known`);
    values[step.out] = OPERATIONS[step.op](tf, operands, step);
  }
  return outputs;
}

function windowOf(x, { w, b, st, pad, act }) {
  const padding = pad ? { pad, dimRoundingMode: "floor" } : { pad: "valid" };
  return { x, filter: w, strides: st, ...padding, bias: b ?? undefined, activation: fusedActivation(act) };
}

function fusedActivation(name) {
  return FUSED.has(name) ? name : "linear";
}

function activated(tf, x, name) {
  if (name === "silu") return tf.mul(x, tf.sigmoid(x));
  return name === "sigmoid" ? tf.sigmoid(x) : x;
}

function projected(tf, x, weight, bias) {
  const [batch, length, width] = x.shape;
  const rows = tf.reshape(x, [batch * length, width]);
  return tf.reshape(tf.fused.matMul({ a: rows, b: weight, bias }), [batch, length, weight.shape[1]]);
}

function normalized(tf, x, scale, bias) {
  const { mean, variance } = tf.moments(x, -1, true);
  const inverse = tf.rsqrt(tf.add(variance, 1e-6));
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), inverse), scale), bias);
}

function attention(tf, x, mask, { H: heads, wq, bq, wk, bk, wv, bv, wo, bo }) {
  const [, length, width] = x.shape;
  const split = (w, b) => tf.transpose(tf.reshape(projected(tf, x, w, b), [length, heads, width / heads]), [1, 0, 2]);
  const products = tf.matMul(split(wq, bq), split(wk, bk), false, true);
  const scores = tf.div(products, Math.sqrt(width / heads));
  const weights = tf.softmax(mask ? tf.add(scores, mask) : scores);
  const merged = tf.reshape(tf.transpose(tf.matMul(weights, split(wv, bv)), [1, 0, 2]), x.shape);
  return projected(tf, merged, wo, bo);
}
