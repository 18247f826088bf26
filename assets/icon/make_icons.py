"""Makes the icon's PNG sizes, the Windows .ico and the macOS .icns from residue.svg (needs rsvg-convert)."""

import pathlib
import struct
import subprocess

FOLDER = pathlib.Path(__file__).parent
SIZES = [16, 24, 32, 48, 64, 128, 256, 512]
# Sizes in pixels of Apple's types that hold PNG: 16, 32, 128, 256 and 512 points at twice the pixels, and the larger
# three at one pixel a point. The types for 16 and 32 points at one pixel a point (icp4, icp5) are left out: with PNG
# in them, macOS draws noise in an app's icon.
ICNS_TYPES = {
    "ic11": 32, "ic12": 64, "ic07": 128, "ic13": 256, "ic08": 256, "ic14": 512, "ic09": 512, "ic10": 1024,
}


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


images = {size: png(size) for size in {*SIZES, *ICNS_TYPES.values()}}
for size in SIZES:
    (FOLDER / f"residue-{size}.png").write_bytes(images[size])
(FOLDER / "residue.ico").write_bytes(ico({size: images[size] for size in SIZES if size <= 256}))
(FOLDER / "residue.icns").write_bytes(icns(images))
