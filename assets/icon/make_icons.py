"""Makes the icon's PNG sizes, the Windows .ico and the macOS .icns from residue.svg (needs rsvg-convert)."""

import pathlib
import struct
import subprocess

FOLDER = pathlib.Path(__file__).parent
SIZES = [16, 24, 32, 48, 64, 128, 256, 512]
# Sizes in pixels of Apple's types that hold PNG.
ICNS_TYPES = {"icp4": 16, "icp5": 32, "icp6": 64, "ic07": 128, "ic08": 256, "ic09": 512}


def png(size: int) -> bytes:
    command = ["rsvg-convert", "-w", str(size), "-h", str(size), str(FOLDER / "residue.svg")]
    return subprocess.run(command, check=True, capture_output=True).stdout


def ico(images: dict[int, bytes]) -> bytes:
    """An icon directory of PNG images, the form that Windows reads since Vista."""
    offset = 6 + 16 * len(images)
    head, body = struct.pack("<HHH", 0, 1, len(images)), b""
    for size, image in images.items():
        side = size % 256  # 256 is written as 0.
        head += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(image), offset + len(body))
        body += image
    return head + body


def icns(images: dict[int, bytes]) -> bytes:
    parts = [name.encode() + struct.pack(">I", 8 + len(images[size])) + images[size]
             for name, size in ICNS_TYPES.items()]
    body = b"".join(parts)
    return b"icns" + struct.pack(">I", 8 + len(body)) + body


images = {size: png(size) for size in SIZES}
for size, image in images.items():
    (FOLDER / f"residue-{size}.png").write_bytes(image)
(FOLDER / "residue.ico").write_bytes(ico({s: i for s, i in images.items() if s <= 256}))
(FOLDER / "residue.icns").write_bytes(icns(images))
