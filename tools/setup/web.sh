#!/usr/bin/env bash
# Install what checks the web runner (TypeScript, ESLint). The runner itself depends on nothing.
set -euo pipefail
cd "$(dirname "$0")/../../runner/web"
source ../../tools/setup/common.sh

[ -f package.json ] || exit 0
command -v npm >/dev/null || fail "there is no npm" "install Node 20 or newer with npm: https://nodejs.org"

locks=(package.json)
command=install
if [ -f package-lock.json ]; then
  locks+=(package-lock.json)
  command=ci
fi
stamp=node_modules/.installed
key="$(key_of "${locks[@]}") $(node --version)"
is_current "$stamp" "$key" && exit 0

say "installing the checks of the web runner"
npm "$command" --no-fund --no-audit --loglevel=error
printf '%s' "$key" >"$stamp"
