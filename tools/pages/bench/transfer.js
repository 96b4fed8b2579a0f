/** @file What pages of the bench fetch and answer, and the pauses that they make. */

const CHUNK = 0x8000;
const PAUSE = 3;

/** @param {string} url */
export async function fetchBytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered with status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @param {string} url a classic script, which sets globals */
export function loadScript(url) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: url });
    script.onload = () => resolve(undefined);
    script.onerror = () => reject(new Error(`${url} could not be loaded`));
    document.head.append(script);
  });
}

/** @param {ArrayBufferView} array */
export function encode(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return btoa(text);
}

/** Lets the browser do what it has put off. */
export function pause() {
  return new Promise((resolve) => setTimeout(resolve, PAUSE));
}
