"""A browser whose devices allow less than they could: textures of so many texels a side, bindings of so many bytes."""

from __future__ import annotations

import json

from playwright.sync_api import Page

from webdnn.runner.python.chromium import Browser

SCRIPT = """\
((limits) => {
  const refuse = (what) => { throw new Error(`this device allows less: ${what}`); };
  for (const { prototype } of [WebGLRenderingContext, WebGL2RenderingContext]) {
    const { getParameter, texImage2D } = prototype;
    prototype.getParameter = function (name) {
      const found = getParameter.call(this, name);
      return limits.texture && name === this.MAX_TEXTURE_SIZE ? Math.min(found, limits.texture) : found;
    };
    prototype.texImage2D = function (...given) {
      const sides = given.length > 6 ? given.slice(3, 5) : [];
      if (limits.texture && Math.max(...sides) > limits.texture) refuse(`a texture of ${sides.join(" x ")}`);
      return texImage2D.apply(this, given);
    };
  }
  const { texStorage2D } = WebGL2RenderingContext.prototype;
  WebGL2RenderingContext.prototype.texStorage2D = function (target, levels, format, ...sides) {
    if (limits.texture && Math.max(...sides) > limits.texture) refuse(`a texture of ${sides.join(" x ")}`);
    return texStorage2D.call(this, target, levels, format, ...sides);
  };
  const { createBindGroup, createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBindGroup = function (descriptor) {
    for (const { resource } of descriptor.entries) {
      const size = resource.size ?? resource.buffer.size - (resource.offset ?? 0);
      if (limits.binding && size > limits.binding) refuse(`a binding of ${size} bytes`);
    }
    return createBindGroup.call(this, descriptor);
  };
  GPUDevice.prototype.createBuffer = function (descriptor) {
    if (limits.buffer && descriptor.size > limits.buffer) refuse(`a buffer of ${descriptor.size} bytes`);
    return createBuffer.call(this, descriptor);
  };
})(LIMITS);
"""


class LimitedBrowser(Browser):
    """`texture` is in texels a side; `binding` and `buffer` are bytes; 0 is what the device has."""

    def __init__(self, *, texture: int = 0, binding: int = 0, buffer: int = 0) -> None:
        self._limits = {"texture": texture, "binding": binding, "buffer": buffer}
        super().__init__()

    def new_page(self) -> Page:
        """A page whose devices refuse what exceeds the limits."""
        page = super().new_page()
        page.add_init_script(SCRIPT.replace("LIMITS", json.dumps(self._limits)))
        page.reload()
        return page
