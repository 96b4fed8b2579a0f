/** @file The browser runner in Node: hashes, conversions, and sessions on the wasm and js backends. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const runner = (file) => import(pathToFileURL(join(process.env.RUNNER, file)));
const { load, WebDnnError } = await runner("index.js");
const { sha256Portable } = await runner("sha256.js");
const { Inputs } = await runner("sizes.js");
const { filled, fromStorage, halfToNumber, numberToHalf, toStorage } = await runner("tensors.js");
const { RELU, INTEGERS, BROKEN_FIRST } = process.env;

const X = Float32Array.of(1, -2, 3, -4, 5, -6);
const Y = [1.5, 0, 8, 2, 22, 100];
const tensor = (type, length = 3) => ({ name: "t", type, shape: [length] });

/** What went wrong, which must be an error of ours with a hint. */
async function failure(promise) {
  const error = await promise.then(() => assert.fail("no error"), (caught) => caught);
  assert.ok(error instanceof WebDnnError && error.hint, error.stack);
  return `${error.message} | ${error.hint}`;
}

/** A copy of the relu bundle, changed. */
async function changed(action) {
  const directory = await mkdtemp(join(tmpdir(), "webdnn-"));
  await cp(RELU, directory, { recursive: true });
  try {
    return await action(directory, JSON.parse(await readFile(join(directory, "model.json"), "utf8")));
  } finally {
    await rm(directory, { recursive: true });
  }
}

test("SHA-256 by hand is SHA-256", () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
    assert.equal(Buffer.from(sha256Portable(bytes)).toString("hex"), createHash("sha256").update(bytes).digest("hex"));
  }
});

test("every half survives the way through a number", () => {
  for (let half = 0; half < 0x10000; half++) {
    const isNaN = (half & 0x7c00) === 0x7c00 && (half & 1023) !== 0;
    if (!isNaN) assert.equal(numberToHalf(halfToNumber(half)), half);
  }
  assert.ok(Number.isNaN(halfToNumber(numberToHalf(NaN))));
});

test("halves are rounded to the nearest, ties to even", () => {
  const unit = 2 ** -10;
  assert.equal(halfToNumber(numberToHalf(1 + unit / 2)), 1);
  assert.equal(halfToNumber(numberToHalf(1 + 1.5 * unit)), 1 + 2 * unit);
  assert.equal(halfToNumber(numberToHalf(1 + 0.6 * unit)), 1 + unit);
  assert.equal(numberToHalf(65520), 0x7c00);
  assert.equal(halfToNumber(numberToHalf(65519)), 65504);
  assert.equal(numberToHalf(2 ** -26), 0);
  assert.equal(numberToHalf(2047.9999), numberToHalf(2048));
});

test("integers go to storage and back", () => {
  const i64 = BigInt64Array.of(1n, -2n, 2n ** 24n - 1n);
  assert.deepEqual(toStorage(tensor("i64"), i64, "i32"), Int32Array.of(1, -2, 2 ** 24 - 1));
  assert.deepEqual(fromStorage(tensor("i64"), toStorage(tensor("i64"), i64, "f32")), i64);
  assert.deepEqual(toStorage(tensor("bool"), Uint8Array.of(0, 1, 1), "u32"), Uint32Array.of(0, 1, 1));
  assert.deepEqual(fromStorage(tensor("bool"), Float32Array.of(0, 1, 2)), Uint8Array.of(0, 1, 1));
  assert.deepEqual(fromStorage(tensor("i8"), Float32Array.of(2.999, -3.001, NaN)), Int8Array.of(3, -3, 0));
});

test("bfloats go to storage and back", () => {
  const bits = Uint16Array.of(0x3f80, 0xc000, 0x7f80);
  assert.deepEqual(toStorage(tensor("bf16"), bits, "f32"), Float32Array.of(1, -2, Infinity));
  assert.deepEqual(fromStorage(tensor("bf16"), Float32Array.of(1, -2, Infinity)), bits);
});

test("an output without elements is empty, though its buffer is not", () => {
  const empty = { name: "t", type: "f32", shape: [2, 0, 3] };
  assert.deepEqual(filled(empty, Float32Array.of(0, 0, 0, 0, 0, 0), []), { data: new Float32Array(0), shape: [2, 0, 3] });
});

test("an integer that the storage cannot hold is an error", () => {
  for (const [storage, value] of [["i32", 2n ** 31n], ["f32", 2n ** 24n], ["u32", -1n]]) {
    assert.throws(() => toStorage(tensor("i64", 1), BigInt64Array.of(value), storage), /element 0 of input 't' is/);
  }
});

test("of counted axes, the first places are kept", () => {
  const counts = [Int32Array.of(2), Int32Array.of(0), Int32Array.of(9)];
  const numbers = Float32Array.from({ length: 12 }, (_, i) => i);
  const kept = (axes) => {
    const outputs = axes.map(([axis, output]) => ({ axis, output }));
    const { data, shape } = filled({ name: "y", type: "f32", shape: [3, 4], counts: outputs }, numbers, counts);
    assert.equal(data.length, shape[0] * shape[1]);
    return [...data];
  };
  assert.deepEqual(kept([]), [...numbers]);
  assert.deepEqual(kept([[0, 0]]), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(kept([[1, 0]]), [0, 1, 4, 5, 8, 9]);
  assert.deepEqual(kept([[0, 0], [1, 0]]), [0, 1, 4, 5]);
  assert.deepEqual(kept([[1, 1]]), []);
  assert.deepEqual(kept([[0, 2]]), [...numbers]);
});

const SIZED = [
  { name: "ids", type: "i64", shape: [3, 4], sizes: [{ axis: 0, dimension: 0 }, { axis: 1, dimension: 1 }] },
  { name: "w", type: "f32", shape: [2, 4], sizes: [{ axis: 1, dimension: 1 }] },
  { name: "batch.size", type: "i32", shape: [] },
  { name: "seq.size", type: "i32", shape: [] },
];
const DIMENSIONS = [
  { name: "batch", least: 1, most: 3, input: 2 },
  { name: "seq", least: 0, most: 4, input: 3 },
];
const ids = (length) => BigInt64Array.from({ length }, (_, i) => BigInt(i + 1));

test("inputs of any size are put in the first places, sizes follow from lengths", () => {
  const inputs = new Inputs(SIZED, DIMENSIONS);
  assert.deepEqual(inputs.own.map(({ name }) => name), ["ids", "w"]);
  const w = Float32Array.of(1, 2, 3, 4, 5, 6);
  const wide = [
    BigInt64Array.of(1n, 2n, 3n, 0n, 4n, 5n, 6n, 0n, 0n, 0n, 0n, 0n),
    Float32Array.of(1, 2, 3, 0, 4, 5, 6, 0),
    Int32Array.of(2),
    Int32Array.of(3),
  ];
  assert.deepEqual(inputs.inOrder({ ids: ids(6), w }), wide);
  assert.deepEqual(inputs.inOrder({ w: { data: w, shape: [2, 3] }, ids: { data: ids(6), shape: [2, 3] } }), wide);
  const whole = Float32Array.from({ length: 8 }, (_, i) => i);
  assert.equal(inputs.inOrder({ ids: ids(12), w: whole })[1], whole);
  const none = inputs.inOrder({ ids: { data: ids(0), shape: [2, 0] }, w: new Float32Array(0) });
  assert.deepEqual(none.slice(1), [new Float32Array(8), Int32Array.of(2), Int32Array.of(0)]);
});

test("two equal axes are told apart from the length, two others are not", () => {
  const square = { name: "a", type: "u8", shape: [4, 4], sizes: [0, 1].map((axis) => ({ axis, dimension: 0 })) };
  const size = { name: "n.size", type: "i32", shape: [] };
  const inputs = new Inputs([square, size], [{ name: "n", least: 1, most: 4, input: 1 }]);
  assert.deepEqual(inputs.inOrder({ a: Uint8Array.of(1, 2, 3, 4) })[0], Uint8Array.of(1, 2, 0, 0, 3, 4, ...new Uint8Array(10)));
  assert.throws(() => inputs.inOrder({ a: new Uint8Array(5) }), /'a' \(u8\[n, n\]\) has 5 elements/);
  const only = new Inputs([SIZED[0], ...SIZED.slice(2)], DIMENSIONS.map((d, i) => ({ ...d, input: i + 1 })));
  assert.throws(() => only.inOrder({ ids: ids(6) }), (error) => {
    return /6 elements of input 'ids' do not tell batch and seq/.test(error.message) && /shape \[batch, seq\]/.test(error.hint);
  });
});

for (const [what, given, problem, hint] of [
  ["a size beyond the range", [4, 2], /'batch' is 4 in input 'ids'/, /batch from 1 to 3/],
  ["arrays that disagree", [2, 4], /'seq' is 4 in input 'ids' and 3 in 'w'/, /agree/],
  ["another number of axes", [2, 3, 1], /has the shape \[2, 3, 1\]/, /i64\[batch, seq\], batch from 1 to 3, seq from 0 to 4/],
]) {
  test(`${what} is an error`, () => {
    const data = ids(given.reduce((a, b) => a * b, 1));
    const w = { data: new Float32Array(6), shape: [2, 3] };
    assert.throws(
      () => new Inputs(SIZED, DIMENSIONS).inOrder({ ids: { data, shape: given }, w }),
      (error) => problem.test(error.message) && hint.test(error.hint),
    );
  });
}

test("an integer that a float did not hold is an error", () => {
  for (const [type, value] of [["i64", 2 ** 24], ["i32", -(2 ** 24)], ["u32", -1]]) {
    assert.throws(() => fromStorage(tensor(type, 1), Float32Array.of(value)), /element 0 of output 't' is not in/);
  }
  assert.deepEqual(fromStorage(tensor("i32"), Int32Array.of(2 ** 30, 1, 2)), Int32Array.of(2 ** 30, 1, 2));
});

for (const backend of ["wasm", "js"]) {
  test(`${backend} computes, again and again`, async () => {
    const session = await load(RELU, { backends: [backend] });
    assert.equal(session.backend, backend);
    assert.deepEqual(session.inputs, [{ name: "x", type: "f32", shape: [2, 3] }]);
    const { y } = await session.run({ x: X });
    assert.deepEqual(y, Float32Array.from(Y));
    await session.run({ x: X.map((v) => -v) });
    assert.deepEqual(y, Float32Array.from(Y));
    await session.dispose();
  });

  test(`${backend} takes integers`, async () => {
    const session = await load(pathToFileURL(INTEGERS), { backends: [backend] });
    const a = BigInt64Array.of(2n ** 62n, -7n, 8n);
    const { s, g } = await session.run({ a, m: Uint8Array.of(1, 0, 1), h: Uint16Array.of(1, 2, 3) });
    assert.deepEqual(s, BigInt64Array.of(2n ** 62n + 1n, 7n, 9n));
    assert.deepEqual(new Uint16Array(g.buffer), Uint16Array.of(1, 2, 3));
  });
}

test("the manifest itself may be named", async () => {
  assert.equal((await load(`${pathToFileURL(RELU).href}/model.json`, { backends: ["js"] })).backend, "js");
});

test("backends that Node lacks are refused, and the next one is taken", async () => {
  const session = await load(RELU);
  assert.equal(session.backend, "wasm");
  assert.deepEqual(session.refusals.map(({ backend }) => backend), ["webgpu", "webgl2", "webgl1"]);
  assert.match(session.refusals[0].reason, /WebGPU/);
});

test("if all are refused, every reason is told", async () => {
  const message = await failure(load(RELU, { backends: ["webgpu", "webgl"] }));
  assert.match(message, /webgpu: .*webgl2: webgl2 is not available; webgl1: webgl1 is not available/);
});

test("a module that does not validate is passed over", async () => {
  const session = await load(BROKEN_FIRST, { backends: ["wasm"] });
  assert.deepEqual((await session.run({ x: X })).y, Float32Array.from(Y));
});

test("progress reaches the total", async () => {
  const seen = [];
  await load(RELU, { backends: ["wasm"], onProgress: (progress) => seen.push(progress) });
  assert.deepEqual(seen.filter(({ stage }) => stage === "weights").at(-1), { stage: "weights", loaded: 48, total: 48 });
  assert.deepEqual(seen.filter(({ stage }) => stage === "kernels"), [{ stage: "kernels", loaded: 1, total: 1 }]);
});

test("a callback that throws is no refusal", async () => {
  const onProgress = () => { throw new Error("mine"); };
  assert.match(await failure(load(RELU, { backends: ["wasm", "js"], onProgress })), /onProgress threw: mine/);
});

test("an aborted load is rejected", async () => {
  const abort = new AbortController();
  const loading = load(RELU, { backends: ["wasm"], signal: abort.signal, onProgress: () => abort.abort() });
  assert.match(await failure(loading), /aborted/);
  assert.match(await failure(load(RELU, { signal: AbortSignal.abort() })), /aborted/);
});

test("overlapping runs compute what they were given", async () => {
  const session = await load(RELU, { backends: ["wasm"] });
  const x = X.slice();
  const first = session.run({ x });
  const second = session.run({ x });
  x.fill(0);
  const third = session.run({ x });
  assert.deepEqual((await first).y, Float32Array.from(Y));
  assert.deepEqual((await second).y, Float32Array.from(Y));
  assert.deepEqual((await third).y, Float32Array.of(0.5, 0, -1, 2, -3, 100));
});

test("a failed run does not block the next", async () => {
  const session = await load(RELU, { backends: ["js"] });
  const [bad, good] = [session.run({ x: new Float32Array(2) }), session.run({ x: X })];
  assert.match(await failure(bad), /has 2 elements \| pass 6/);
  assert.deepEqual((await good).y, Float32Array.from(Y));
});

test("Node has one thread, and warming up changes no result", async () => {
  const session = await load(RELU, { backends: ["wasm"], threads: 4, warmUp: true });
  assert.equal(session.threads, 1);
  assert.deepEqual((await session.run({ x: X })).y, Float32Array.from(Y));
  const mixed = await load(INTEGERS, { backends: ["js"], warmUp: true });
  const { s } = await mixed.run({ a: BigInt64Array.of(1n, 2n, 3n), m: Uint8Array.of(1, 1, 0), h: new Uint16Array(3) });
  assert.deepEqual(s, BigInt64Array.of(2n, 3n, -3n));
});

test("numbers of threads that make no sense are errors", async () => {
  for (const threads of [0, -1, 1.5, NaN, "two"]) {
    assert.match(await failure(load(RELU, { threads })), /threads is .* \| give a whole number/);
  }
});

test("wrong inputs are errors", async () => {
  const session = await load(RELU, { backends: ["wasm"] });
  assert.match(await failure(session.run({ z: X })), /no input 'z' \| the inputs are x/);
  assert.match(await failure(session.run({})), /'x' is missing/);
  assert.match(await failure(session.run()), /'x' is missing/);
  assert.match(await failure(session.run({ x: Float64Array.from(X) })), /is a Float64Array \| pass a Float32Array/);
  assert.match(await failure(session.run({ x: [1, 2, 3, 4, 5, 6] })), /is a Array/);
});

test("a disposed session rejects, but ends what it began", async () => {
  const session = await load(RELU, { backends: ["wasm"] });
  const [running, waiting] = [session.run({ x: X }), session.run({ x: X })];
  const disposed = session.dispose();
  assert.deepEqual((await running).y, Float32Array.from(Y));
  assert.match(await failure(waiting), /disposed/);
  await disposed;
  await session.dispose();
  assert.match(await failure(session.run({ x: X })), /disposed/);
});

test("a changed byte names its file, and is no refusal", () =>
  changed(async (directory, manifest) => {
    const { file } = manifest.backends.wasm.weights[1];
    const content = await readFile(join(directory, file));
    content[0] ^= 1;
    await writeFile(join(directory, file), content);
    assert.match(await failure(load(directory, { backends: ["wasm", "js"] })), new RegExp(`${file} is not the file`));
  }));

test("a missing file is named", () =>
  changed(async (directory) => {
    await rm(join(directory, "kernels.js"));
    assert.match(await failure(load(directory, { backends: ["js"] })), /kernels\.js.* could not be read/);
  }));

test("other manifests are refused", () =>
  changed(async (directory, manifest) => {
    const path = join(directory, "model.json");
    await writeFile(path, JSON.stringify({ ...manifest, version: 2 }));
    assert.match(await failure(load(directory)), /has version 2, and this runner reads version 1/);
    await writeFile(path, "null");
    assert.match(await failure(load(directory)), /not the manifest of a bundle/);
    await writeFile(path, "<html>");
    assert.match(await failure(load(directory)), /is not JSON/);
    await rm(path);
    assert.match(await failure(load(directory)), /model\.json could not be read/);
  }));

test("a backend that the bundle lacks is refused", () =>
  changed(async (directory, { backends: { js }, ...manifest }) => {
    await writeFile(join(directory, "model.json"), JSON.stringify({ ...manifest, backends: { js } }));
    const session = await load(directory, { backends: ["wasm", "js"] });
    assert.deepEqual(session.refusals, [{ backend: "wasm", reason: "the bundle was not compiled for wasm" }]);
  }));

test("unknown backends are errors", async () => {
  assert.match(await failure(load(RELU, { backends: ["cuda"] })), /no backend 'cuda' \| name some of webgl, webgpu/);
  assert.match(await failure(load(RELU, { backends: [] })), /no backend is named/);
});
