/** @file The runner's public names. */

export { WebDnnError } from "./error.js";
export { load } from "./load.js";
