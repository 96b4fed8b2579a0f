#!/usr/bin/env bash
# Make .venv, with the package installed so that edits take effect at once, and the tools of the checks.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup/common.sh

python=${PYTHON:-python3}
venv=.venv
stamp=$venv/.installed

command -v "$python" >/dev/null ||
  fail "there is no '$python'" "install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "'$python' is $("$python" --version)" "WebDNN needs Python 3.11 or newer: make PYTHON=/path/to/python3"

# A virtual environment survives neither another Python nor being moved: then it is made from nothing.
base="$("$python" --version) $PWD"
key="$base $(key_of pyproject.toml)"
is_current "$stamp" "$key" && exit 0

"$python" -c 'import ensurepip, venv' 2>/dev/null || install_packages "a virtual environment" python3-venv
say "installing WebDNN and its tests into $venv"
case "$(cat "$stamp" 2>/dev/null)" in
"$base "*) ;;
*) "$python" -m venv --clear "$venv" ;;
esac
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[test]' ||
  fail "pip could not install the dependencies" "its message is above; pip's PIP_INDEX_URL and PIP_PROXY set where it looks"
printf '%s' "$key" >"$stamp"
