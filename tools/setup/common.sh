# Shared by the set-up scripts: say what is done, do it once, and stop with advice where it cannot be done.
# shellcheck shell=bash

say() { printf '== %s\n' "$*"; }

# fail PROBLEM HINT: stop, with the form that every WebDNN error has.
fail() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 1
}

# key_of FILE...: what these files hold, as a short text.
key_of() { cat -- "$@" | sha256sum | cut -d ' ' -f 1; }

# is_current STAMP KEY: whether the work that STAMP stands for was done from what KEY stands for.
is_current() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

# install_packages PURPOSE PACKAGE...: Debian packages, where we may install them.
install_packages() {
  local purpose=$1
  shift
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    fail "$purpose needs what the Debian packages '$*' hold" "install them: sudo apt-get install $*"
  fi
  say "installing $* for $purpose"
  apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "$@" >/dev/null
}
