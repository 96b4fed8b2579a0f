/** @file The kernels: what each computes, for which ONNX nodes, its schedule, its source and its IR. */

import { button, byId, make, spellBytes, terms } from "./data.js";

/**
 * @typedef {import("./data.js").View} View
 * @typedef {import("./data.js").Kernel} Kernel
 */

export class KernelsView {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    this.chosen = "";
    this.search("");
    if (view.kernels[0]) this.choose(view.kernels[0].name);
  }

  /** @param {Kernel} kernel */
  origins({ calls }) {
    const { plan } = this.view;
    return [...new Set(calls.flatMap((call) => plan?.launches[call]?.origins ?? []))];
  }

  /** @param {string} words @returns {number} how many kernels have them */
  search(words) {
    const wanted = words.toLowerCase();
    const found = this.view.kernels.filter((kernel) =>
      [kernel.name, kernel.shape, ...this.origins(kernel)].some((text) => text.toLowerCase().includes(wanted)),
    );
    const items = found.map((kernel) => {
      const element = button("", () => this.choose(kernel.name));
      const times = kernel.calls.length === 1 ? "" : `${kernel.calls.length} calls`;
      element.title = this.origins(kernel).join(", ");
      element.dataset.kernel = kernel.name;
      element.setAttribute("aria-current", String(kernel.name === this.chosen));
      element.append(make("span", {}, kernel.name), make("span", { class: "count" }, times));
      return element;
    });
    byId("names").replaceChildren(...items);
    if (words && found[0]) this.choose(found[0].name);
    return words ? found.length : 0;
  }

  /** @param {string} name */
  choose(name) {
    this.chosen = name;
    for (const element of byId("names").querySelectorAll("button")) {
      element.setAttribute("aria-current", String(element.dataset.kernel === name));
    }
    const kernel = this.view.kernels.find((it) => it.name === name);
    if (kernel) byId("kernel").replaceChildren(...this.about(kernel));
  }

  /** @param {Kernel} kernel */
  about(kernel) {
    const { target } = this.view;
    const parts = /** @type {HTMLElement[]} */ ([
      make("h2", {}, kernel.name),
      terms([
        ["points", kernel.shape],
        ["calls", kernel.calls.join(", ")],
        ["ONNX nodes", this.origins(kernel).join(", ")],
        ["operations", kernel.flops ? `${kernel.flops.toLocaleString("en")} in each call` : ""],
        ["moves", kernel.bytes ? `${spellBytes(kernel.bytes)} in each call` : ""],
        ["schedule", kernel.schedule.join("; ")],
      ]),
    ]);
    for (const [title, text] of [[`Source for ${target}`, kernel.source], ["IR on flat buffers", kernel.ir]]) {
      if (text) parts.push(make("h3", {}, title), make("pre", { tabindex: "0" }, text));
    }
    return parts;
  }
}
