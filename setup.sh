#!/usr/bin/env bash
# Installs what a build and its checks need beyond Rust, on Debian and its relatives; does nothing
# where it is there. `--packages`: what `cargo xtask dist` needs instead, on macOS and Windows (Git's bash) too.
# `--wine`: what `cargo xtask windows` needs to build and to run tests, besides the rest.
set -euo pipefail

packages=false
wine=false
[ "${1:-}" = --packages ] && packages=true
[ "${1:-}" = --wine ] && wine=true
missing=()
if $packages; then
  case $(uname) in
    Darwin) exec rustup target add aarch64-apple-darwin x86_64-apple-darwin ;;
    MINGW* | MSYS*)
      command -v makensis >/dev/null || [ -x "/c/Program Files (x86)/NSIS/makensis.exe" ] || choco install nsis -y --no-progress
      exit
      ;;
  esac
  command -v dpkg-shlibdeps >/dev/null || missing+=(dpkg-dev)
fi
command -v cc >/dev/null || missing+=(gcc libc6-dev)
if [ "$(uname)" = Linux ]; then
  # Sound devices: ALSA and JACK.
  command -v pkg-config >/dev/null || missing+=(pkg-config)
  pkg-config --exists alsa 2>/dev/null || missing+=(libasound2-dev)
  pkg-config --exists jack 2>/dev/null || missing+=(libjack-jackd2-dev)
fi
if [ "$(uname)" = Linux ] && ! $packages; then
  # Tests listen through a JACK server of their own, without a sound card.
  command -v jackd >/dev/null || missing+=(jackd2)
  # Tests open windows on a screen of their own, drawn by Mesa, and press their keys.
  command -v Xvfb >/dev/null || missing+=(xvfb)
  command -v xdotool >/dev/null || missing+=(xdotool)
  # What a window on X11 looks for when it opens.
  libraries=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p)
  for package in libxkbcommon-x11-0 libxcursor1 libxi6 libxrandr2 libx11-xcb1; do
    name=${package%[0-9]}
    grep -qi "${name%-}.so.${package#"$name"}" <<<"$libraries" || missing+=("$package")
  done
  grep -q 'libGL.so.1' <<<"$libraries" || missing+=(libgl1)
  grep -q 'libEGL.so.1' <<<"$libraries" || missing+=(libegl1)
  compgen -G '/usr/lib/*/dri/swrast_dri.so' >/dev/null || missing+=(libgl1-mesa-dri)
  # The runtime of RealtimeSanitizer, for `cargo xtask ci` (4 MB).
  if [ -z "${RTSAN_LIB_PATH:-}" ] && ! compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.rtsan-*.a' >/dev/null; then
    missing+=(libclang-rt-19-dev)
  fi
  # The Python hosts that `cargo xtask ci` loads the VST3 in get an environment of their own.
  "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
fi
if $wine; then
  rustup target add x86_64-pc-windows-gnu
  command -v x86_64-w64-mingw32-gcc >/dev/null || missing+=(gcc-mingw-w64-x86-64)
  command -v x86_64-w64-mingw32-g++ >/dev/null || missing+=(g++-mingw-w64-x86-64)
  [ -x /usr/lib/wine/wine64 ] || command -v wine64 >/dev/null || missing+=(wine64)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "setup: please install what Debian calls ${missing[*]}, then run this again" >&2
  exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
