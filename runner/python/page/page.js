/** @file The page's half of a session that Python drives: tensors arrive and leave as base64. */

import { load } from "/runner/index.js";
import { arrayOver } from "/runner/tensors.js";

const CHUNK = 0x8000;

let session;

/** Loads the bundle at `url`; answers which backend was taken, its threads, and which were refused. */
export function open(url, backends, threads) {
  return answered(async () => {
    session = await load(url, { backends: backends ?? undefined, threads: threads ?? undefined });
    return { backend: session.backend, threads: session.threads, refusals: session.refusals };
  });
}

/** Runs the model on inputs with their shapes, and answers such outputs, in the order of the manifest. */
export function run(encoded) {
  return answered(async () => {
    const inputs = session.inputs.map(({ name, type }, i) => {
      const { data, shape } = encoded[i];
      return [name, { data: arrayOver(type, decode(data).buffer), shape }];
    });
    const outputs = await session.runTensors(Object.fromEntries(inputs));
    return { outputs: session.outputs.map(({ name }) => ({ ...outputs[name], data: encode(outputs[name].data) })) };
  });
}

/** Frees the model, so that the page can be used for another. */
export function close() {
  return answered(async () => {
    await session?.dispose();
    session = undefined;
    return {};
  });
}

async function answered(action) {
  try {
    return await action();
  } catch (error) {
    return { error: { message: String(error.message ?? error), hint: String(error.hint ?? "see the browser's console") } };
  }
}

function decode(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function encode(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return btoa(text);
}
