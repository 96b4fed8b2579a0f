#!/usr/bin/env bash
# system.sh NEED...: make sure that programs outside Python and Node are there.
#   browser   Chromium, which runs compiled models
#   shaders   glslangValidator and a software Vulkan device, which check what we emit
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup/common.sh

has_browser() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && return 0
  done
  # Playwright's own download, from `playwright install chromium`.
  compgen -G "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}/chromium*" >/dev/null
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
