#!/usr/bin/env bash
# system.sh NEED...: make sure that programs outside Python and Node are there.
#   browser   Chromium, which runs compiled models
#   shaders   glslangValidator and a software Vulkan device, which check what we emit
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup/common.sh

# The runner knows where browsers are; it is asked where the package that we would install is absent.
has_browser() {
  command -v chromium >/dev/null || .venv/bin/python 2>/dev/null - <<'EOS'
from playwright.sync_api import sync_playwright

from webdnn.runner.python.chromium import find_executable

with sync_playwright() as playwright:
    find_executable(playwright)
EOS
}

has_vulkan() { compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null || compgen -G '/etc/vulkan/icd.d/*.json' >/dev/null; }

for need in "$@"; do
  case $need in
  browser)
    has_browser || install_packages "running models in a browser" chromium
    ;;
  shaders)
    missing=()
    command -v glslangValidator >/dev/null || missing+=(glslang-tools)
    has_vulkan || missing+=(mesa-vulkan-drivers)
    [ ${#missing[@]} -eq 0 ] || install_packages "checking shaders" "${missing[@]}"
    ;;
  *) fail "system.sh knows no '$need'" "the needs are: browser, shaders" ;;
  esac
done
