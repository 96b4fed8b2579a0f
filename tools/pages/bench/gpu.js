/** @file Names what WebGPU and WebGL run on in this browser. */

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render/i;

/** @returns {Promise<{ name: string, software: boolean }>} an empty name where there is neither */
export async function describe() {
  const adapter = await navigator.gpu?.requestAdapter();
  const { vendor = "", architecture = "", device = "", description = "" } = adapter?.info ?? {};
  const webgpu = [vendor, architecture, device, description].filter(Boolean).join(" ");
  const names = [...new Set([webgpu, renderer()])].filter(Boolean);
  return { name: names.join("; "), software: names.some((name) => SOFTWARE.test(name)) };
}

function renderer() {
  const gl = document.createElement("canvas").getContext("webgl2");
  const extension = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = extension ? gl.getParameter(extension.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return name;
}
