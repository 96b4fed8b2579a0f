#!/usr/bin/env bash
# peers.sh DIR BACKEND...: install the engines that `webdnn bench` holds ours against, as npm packages in DIR.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup/common.sh

directory=$1
shift
command -v npm >/dev/null || fail "there is no npm" "install Node 20 or newer with npm: https://nodejs.org"

packages=$(.venv/bin/python -m webdnn.tools.bench.peers "$@")
stamp=$directory/.installed
is_current "$stamp" "$packages" && exit 0

say "installing the engines to compare with into $directory"
mkdir -p "$directory"
# shellcheck disable=SC2086
npm install --no-fund --no-audit --loglevel=error --prefix "$directory" $packages
printf '%s' "$packages" >"$stamp"
