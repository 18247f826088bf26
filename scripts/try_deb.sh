#!/usr/bin/env bash
# Installs the .deb in a minimal Debian root, uses it, removes it, and fails unless it leaves nothing behind.
# Needs root and debootstrap. Arguments: the .deb, and the test program `openings`, which hosts the plugin.
set -euo pipefail

deb=$(realpath "$1")
host=$(realpath "$2")
clip=$(realpath "$(dirname "$0")/../assets/clips/speech.flac")
root=$(mktemp -d /var/tmp/residue-root.XXXXXX)
trap 'umount -q --lazy --recursive "$root/proc" "$root/dev" || true; rm -rf --one-file-system "$root"' EXIT

debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1 || { tail "$root.log" >&2; exit 1; }
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/resolv.conf"
if compgen -G '/etc/apt/apt.conf.d/*proxy*' >/dev/null; then cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/"; fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
quietly() { "$@" >"$root/tmp/log" 2>&1 || { cat "$root/tmp/log" >&2; exit 1; }; }
# Files of the system, without caches and lists that apt itself keeps.
files() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./var/cache -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/tmp -o -path ./run \) -prune -o -type f -print -o -type l -print | sort); }

# The package's dependencies come first, and a screen, so that what is left afterwards is the package's own.
cp "$deb" "$root/tmp/residue.deb"
quietly inside apt-get update
quietly inside apt-get install -y /tmp/residue.deb xvfb xdotool libgl1-mesa-dri
quietly inside dpkg --purge residue
# The host plays the clip from where it was built.
repository=$(realpath "$(dirname "$0")/..")
mkdir -p "$root$repository/plugin" "$root$repository/assets/clips"
cp "$clip" "$root$repository/assets/clips/"
files >"$root/tmp/before"
dpkg-deb --raw-extract "$deb" "$root/tmp/other"
sed -i 's/^Architecture: .*/Architecture: s390x/' "$root/tmp/other/DEBIAN/control"
quietly dpkg-deb -Znone --root-owner-group --build "$root/tmp/other" "$root/tmp/other.deb"
if inside dpkg --install /tmp/other.deb >"$root/tmp/log" 2>&1 || ! grep -q 'architecture.*s390x.*does not match' "$root/tmp/log"; then
  cat "$root/tmp/log" >&2
  echo "a package for another processor was not refused" >&2
  exit 1
fi
files >"$root/tmp/refused"
diff "$root/tmp/before" "$root/tmp/refused"
echo "for another processor: refused, nothing changed"
quietly inside dpkg --install /tmp/residue.deb
echo "installed: $(inside residue --version), $(inside dpkg-query --listfiles residue | wc -l) entries"

cp "$clip" "$root/tmp/speech.flac"
inside residue compare /tmp/speech.flac --depths 1,8,32 --output /tmp/compared | sed -n '/^depth/,/^$/p'
inside sh -c 'cd /tmp && residue roundtrip speech.flac --output roundtrip.wav && test -s roundtrip.wav'

inside sh -c '
  Xvfb :7 -screen 0 1280x800x24 >/dev/null 2>&1 & screen=$!
  sleep 2
  DISPLAY=:7 residue /tmp/speech.flac >/tmp/window.log 2>&1 & window=$!
  for _ in $(seq 60); do
    sleep 1
    found=$(DISPLAY=:7 xdotool search --onlyvisible --name "^Residue" 2>/dev/null || true)
    [ -n "$found" ] && break
  done
  kill $window $screen
  [ -n "$found" ] || { cat /tmp/window.log >&2; exit 1; }
  echo "window: opened on a screen without hardware"'

mkdir "$root/tmp/host"
cp "$host" "$root/tmp/host/openings"
for library in /usr/lib/clap/Residue.clap "/usr/lib/vst3/Residue.vst3/Contents/$(uname -m)-linux/Residue.so"; do
  ln -sf "$library" "$root/tmp/host/libresidue_plugin.so"
  echo "$library:"
  inside /tmp/host/openings --count 4
done

quietly inside dpkg --purge residue
rm -rf "$root/root/.cache" "$root/root/.config" "$root/root/.local"
files >"$root/tmp/after"
if ! diff "$root/tmp/before" "$root/tmp/after"; then
  echo "these files were left behind" >&2
  exit 1
fi
echo "removed: nothing is left"
