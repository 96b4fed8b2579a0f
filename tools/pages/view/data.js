/** @file What the page shows, as the command has left it in the page: compressed JSON, in base64. */

/**
 * @typedef {{ op: number, name: string, type: string, origins: string[], ins: number[], text: string, kernel: string, loop: number }} Node
 * @typedef {{ origins: string[], removed: number[], added: number[], changed: [number, number][] }} Row
 * @typedef {{ name: string, level: string, nodes: number[], rows: Row[] }} Step
 * @typedef {{ name: string, kind: string, type: string, at: number, bytes: number, first: number, last: number, writers: number[], readers: number[] }} Buffer
 * @typedef {{ kernel: string, origins: string[], trips: number, once: boolean }} Launch
 * @typedef {{ arena: number, bound: number, launches: Launch[], buffers: Buffer[] }} Plan
 * @typedef {{ name: string, calls: number[], shape: string, flops: number, bytes: number, schedule: string[], ir: string, source: string }} Kernel
 * @typedef {{ name: string, target: string, producer: string, remark: string, levels: [string, string][], nodes: Node[], steps: Step[], plan: Plan | null, kernels: Kernel[] }} View
 */

/** @returns {Promise<View>} */
export async function readData() {
  const text = byId("data").textContent ?? "";
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  /** @type {unknown} */
  const view = await new Response(stream).json();
  return /** @type {View} */ (view);
}

/** @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element '${id}'`);
  return found;
}

/**
 * An element with attributes and children; text is never taken for markup.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Element | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * @param {string} label
 * @param {() => void} act
 */
export function button(label, act) {
  const element = make("button", { type: "button", title: label }, label);
  element.addEventListener("click", act);
  return element;
}

/** @param {number} count */
export function spellBytes(count) {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(2)} MB`;
}

/**
 * Terms and their descriptions; those without a description are left out.
 * @param {[string, string][]} pairs
 */
export function terms(pairs) {
  const known = pairs.filter(([, value]) => value !== "");
  return make("dl", {}, ...known.flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]));
}
