/** @file Computes in a worker what the page asks for. */

import { compute } from "/test/cases.js";

onmessage = async ({ data: [url, backends] }) => postMessage(await compute(url, backends));
