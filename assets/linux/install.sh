#!/bin/sh
# Installs Residue for one user, or removes it: ./install.sh [--remove]
# PREFIX (default ~/.local) takes the program; plugins go to ~/.clap and ~/.vst3.
set -eu
cd "$(dirname "$0")"
prefix=${PREFIX:-$HOME/.local}

# A path in the archive, and its place.
place() {
  case $1 in
    lib/clap/*) echo "$HOME/.clap/${1#lib/clap/}" ;;
    lib/vst3/*) echo "$HOME/.vst3/${1#lib/vst3/}" ;;
    *) echo "$prefix/$1" ;;
  esac
}

refuse() {
  echo "install.sh: $1" >&2
  exit 1
}

[ "$(uname -s)" = Linux ] || refuse "this archive is for Linux, and this is $(uname -s): download the package for it"
if [ "$(uname -m)" != "@PROCESSOR@" ]; then
  refuse "this archive is for @PROCESSOR@, and this computer is $(uname -m): download the other one"
fi
files=$(find bin lib share -type f)
case ${1:-} in
  "")
    # A system that is too old, or has another C library, says so only when the program starts.
    if ! problem=$(./bin/residue --version 2>&1 >/dev/null); then
      refuse "residue does not run here, nothing was installed: $(printf '%s\n' "$problem" | head -n 1)"
    fi
    for file in $files; do
      to=$(place "$file")
      mkdir -p "$(dirname "$to")"
      # A new file in place of the old one: programs that run keep the old one.
      cp "$file" "$to.new"
      mv -f "$to.new" "$to"
    done
    echo "installed: $prefix/bin/residue, ~/.clap/Residue.clap, ~/.vst3/Residue.vst3"
    case :$PATH: in
      *":$prefix/bin:"*) ;;
      *) echo "$prefix/bin is not in PATH: add it to start residue by its name" ;;
    esac
    ;;
  --remove)
    for file in $files; do
      rm -f "$(place "$file")"
    done
    rm -rf "$HOME/.vst3/Residue.vst3"
    echo "removed; settings, models and recordings are kept"
    ;;
  *)
    echo "usage: ./install.sh [--remove]" >&2
    exit 2
    ;;
esac
