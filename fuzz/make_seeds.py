"""Makes the seeds of the fuzz targets, a few small files each, in fuzz/seeds.

    python3 fuzz/make_seeds.py

Audio that Python cannot write is made by ffmpeg, where it is installed.
"""

import json
import pathlib
import shutil
import struct
import subprocess

HERE = pathlib.Path(__file__).parent
SEEDS = HERE / "seeds"
GOLDEN = HERE.parent / "engine/tests/golden"


def keep(target, name, content):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def safetensors(header, data=b""):
    text = header.encode()
    return struct.pack("<Q", len(text)) + text + data


def npy(descr, shape, data, version=1, order="False"):
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}"
    length = struct.pack("<H" if version == 1 else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode() + b"\n" + data


def wav(tag, bits, channels, frames, extra=b""):
    width = channels * bits // 8
    samples = bytes((7 * n) % 251 for n in range(frames * width))
    form = struct.pack("<HHIIHH", tag, channels, 8000, 8000 * width, width, bits) + extra
    chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def audio():
    """The first byte is the number of the name in fuzz_targets/audio.rs."""
    for name, tag, bits, channels in [
        ("pcm8", 1, 8, 1), ("pcm16", 1, 16, 2), ("pcm24", 1, 24, 1), ("float", 3, 32, 2),
        ("alaw", 6, 8, 1), ("ulaw", 7, 8, 1),
    ]:
        keep("audio", f"wav-{name}", b"\0" + wav(tag, bits, channels, 40))
    guid = struct.pack("<HHIH", 22, 16, 3, 1) + bytes.fromhex("000000001000800000aa00389b71")
    keep("audio", "wav-extensible", b"\0" + wav(0xFFFE, 16, 2, 40, guid))
    if not shutil.which("ffmpeg"):
        print("no ffmpeg: seeds of compressed audio are left as they are")
        return
    kinds = [
        (1, "flac", ["-c:a", "flac"]), (2, "mp3", ["-c:a", "libmp3lame", "-b:a", "32k"]),
        (3, "ogg", ["-c:a", "libvorbis"]), (4, "mp4", ["-c:a", "aac", "-b:a", "32k"]),
        (4, "mov", ["-c:a", "pcm_s24be"]), (5, "caf", ["-c:a", "alac"]),
        (6, "aiff", ["-c:a", "pcm_s16be"]), (7, "matroska", ["-c:a", "flac"]),
        (8, "w64", ["-c:a", "pcm_s16le"]), (0, "wav", ["-c:a", "adpcm_ms"]),
        (5, "caf", ["-c:a", "adpcm_ima_qt"]),
    ]
    for first, form, codec in kinds:
        path = SEEDS / "made.tmp"
        source = "sine=frequency=440:sample_rate=16000:duration=0.1"
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-fflags",
                   "+bitexact", "-flags:a", "+bitexact", *codec, "-f", form, str(path)]
        if subprocess.run(command).returncode == 0:
            keep("audio", f"{form}-{codec[1]}", bytes([first]) + path.read_bytes())
        path.unlink(missing_ok=True)


def main():
    for case in ["v1", "v2", "nano", "gated"]:
        keep("config", case, (GOLDEN / case / "config.json").read_bytes())
    keep("config", "empty", "{}")

    tensor = '"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}'
    keep("safetensors_header", "one", safetensors("{" + tensor + "}", bytes(8)))
    other = '"b":{"dtype":"BF16","shape":[],"data_offsets":[8,10]}'
    meta = '"__metadata__":{"format":"pt"}'
    keep("safetensors_header", "two", safetensors("{%s,%s,%s}" % (meta, tensor, other), bytes(10)))
    keep("safetensors_header", "empty", safetensors("{}"))

    index = json.loads((GOLDEN / "v1_sharded/model.safetensors.index.json").read_text())
    index["weight_map"] = dict(list(index["weight_map"].items())[:6])
    keep("shard_index", "golden", json.dumps(index))
    keep("shard_index", "outside", '{"weight_map":{"a":"../x.safetensors"}}')

    keep("packed_file", "replaced", b"\0packed")
    keep("packed_file", "edited", b"\1" + bytes([0, 0, 0, 255, 60, 0, 0, 1, 0, 16, 0, 128]))

    codes = [n * 37 % 1024 for n in range(12)]
    for descr, form in [("<i8", "q"), ("<i4", "i"), ("<u2", "H"), (">i4", "i"), ("<f4", "f")]:
        end = ">" if descr[0] == ">" else "<"
        keep("npy", descr[1:] + ("be" if end == ">" else ""),
             npy(descr, "(3, 4)", struct.pack(f"{end}12{form}", *codes)))
    keep("npy", "v2-fortran", npy("<i4", "(1, 3, 4)", struct.pack("<12i", *codes), 2, "True"))

    lines = "".join(" ".join(map(str, codes[n:n + 4])) + "\n" for n in range(0, 12, 4))
    keep("token_lines", "plain", lines)
    keep("token_lines", "json", '{"layers": 4, "frame_rate": 100}\n[1, 2, 3, 4]\n[5,6,7,8]\n')
    keep("token_lines", "odd", "# a comment\n\n1,2 ,3\t4\r\n-1\n99999999999999999999\n")

    audio()

    state = {"version": "0.1.0", "params": {"depa": {"i32": 5}, "mix": {"f32": 0.5},
             "freeze": {"bool": True}, "listen": {"string": "a-b"}},
             "fields": {"model": json.dumps({"version": 1, "id": "nano", "precision": "int8"})}}
    keep("plugin_state", "saved", json.dumps(state))
    state["params"] = {"depa": {"i32": -2**31}, "ingain": {"f32": 3.4e38}, "loss": {"f32": -1.0}}
    keep("plugin_state", "extreme", json.dumps(state))

    settings = HERE.parent / "app/tests/window/settings-0.1.json"
    keep("window_settings", "settings-0.1", settings.read_bytes())
    keep("window_settings", "odd", '{"scale": 1e9, "window": [1, 2], "volume_db": -1e38}')


if __name__ == "__main__":
    main()
