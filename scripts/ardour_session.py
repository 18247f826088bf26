#!/usr/bin/env python3
"""A session in Ardour 7, without its window: a track through the VST3, saved, opened again, exported.

    apt-get install --no-install-recommends ardour
    cargo xtask bundle --release && cargo build --release
    python scripts/ardour_session.py [--bundle target/bundled/Residue.vst3] \\
        [--residue target/release/residue] [--keep DIR]

Makes a session with a stereo track of a few seconds, exports it, puts the plugin on the track and
exports again: first with the dry lane, which has to be the export without the plugin, sample for
sample, if Ardour compensates the latency that the plugin reports; then with lane A, which has to be
what `residue roundtrip` makes of the export without the plugin. A new process opens the saved session,
finds all parameters as they were, and exports the same again.

Ardour sends about two seconds of silence before what it exports, so that the plugin's stream begins
earlier than the file: the script finds out how much it was, and compares with what `roundtrip` makes of
as much silence and the track.

Needs numpy, and Debian's `ardour` (`ardour7-lua`, `ardour7-export`). Everything lies in a temporary
folder, Ardour's configuration too.
"""

import argparse
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

RATE = 48_000
SECONDS = 4
NAME = "conformance"
LIBRARIES = Path("/usr/lib/ardour7")
# Choices by their number.
DRY = {"Listen": 0}
DEPTH = 4
# Samples of a frame of the model that is built in, at the session's rate.
FRAME = 960
# Silence before it that fills every attention window.
SILENCE = 480_000
# Frames of silence that Ardour may send first: two seconds, the latency, and what blocks make of that.
BEFORE = range(80, 160)
# The sound begins after a second. The first tenth is left out: Ardour fades in what it exports.
HEARD = RATE // 10
# Also without any plugin, ardour7-export 7.3 at times writes a number of something else as the first of so
# many samples of a file: they are not compared, and the track's are taken from what was put on it.
FOREIGN = 2048
LANE_A = {"Listen": 1, "Depth A": DEPTH, "Depth B": 7, "Burst length": 7.5, "Lost frames": 1}

# What the dummy sound device gives for a while, so that there is a region; its samples come later.
RECORD = """
local s = create_session("{folder}", "{name}", {rate})
local tracks = s:new_audio_track(2, 2, nil, 1, "voice", ARDOUR.PresentationInfo.max_order,
  ARDOUR.TrackMode.Normal, true)
local track = tracks:front():to_track()
track:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
s:maybe_enable_record(false)
s:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
ARDOUR.LuaAPI.usleep({seconds} * 1000000)
s:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
ARDOUR.LuaAPI.usleep(1000000)
track:rec_enable_control():set_value(0, PBD.GroupControlDisposition.NoGroup)
-- Ardour reads nothing from before the start of its timeline, where it begins to play when it
-- compensates a latency at the very start.
for region in track:playlist():region_list():iter() do
  region:set_position(Temporal.timepos_t({rate}))
end
s:save_state("", false, false, false, false, false)
close_session()
"""

OPEN = """
local s = load_session("{folder}", "{name}")
local route = s:route_by_name("voice")
"""

INSERT = """
local new = ARDOUR.LuaAPI.new_plugin(s, "Residue", ARDOUR.PluginType.VST3, "")
assert(not new:isnil(), "Ardour knows no plugin of this name")
route:add_processor_by_index(new, 0, nil, true)
"""

PLUGIN = """
local proc = route:nth_plugin(0)
assert(not proc:isnil(), "there is no plugin on the track")
local insert = proc:to_insert()
local plugin = insert:plugin(0)
local index = {{}}
for i = 0, plugin:parameter_count() - 1 do index[plugin:parameter_label(i)] = i end
"""

SET = """
for label, value in pairs({values}) do
  assert(ARDOUR.LuaAPI.set_processor_param(proc, index[label], value), label)
end
ARDOUR.LuaAPI.usleep(500000)
"""

SHOW = """
for label, i in pairs(index) do
  print("PARAMETER", label, string.format("%.6f", (ARDOUR.LuaAPI.get_processor_param(proc, i, true))))
end
print("LATENCY", route:signal_latency())
"""

SAVE = """
s:save_state("", false, false, false, false, false)
"""

CLOSE = """
close_session()
"""


class Ardour:
    """Ardour with a home of its own."""

    def __init__(self, folder, bundle):
        self.folder = folder
        self.session = folder / NAME
        home = folder / "home"
        plugins = home / ".vst3"
        plugins.mkdir(parents=True)
        mine = plugins / bundle.name
        shutil.copytree(bundle, mine)
        # Ardour's cache of plugins counts in seconds, and must be younger than the plugin.
        for path in [mine, *mine.rglob("*")]:
            os.utime(path, (1_700_000_000, 1_700_000_000))
        self.environment = dict(os.environ, HOME=str(home), VST3_PATH=str(plugins))
        libraries = dict(self.environment, LD_LIBRARY_PATH=str(LIBRARIES))
        scanner = [LIBRARIES / "ardour-vst3-scanner", "-f", mine]
        subprocess.run(scanner, env=libraries, check=True, stdout=subprocess.DEVNULL)

    def lua(self, *parts, **values):
        """Runs a script; gives what it printed."""
        values = {"folder": self.session, "name": NAME, "rate": RATE, "seconds": SECONDS, **values}
        script = self.folder / "script.lua"
        script.write_text("".join(part.format(**values) for part in parts))
        done = subprocess.run(
            ["ardour7-lua", script], env=self.environment, capture_output=True, text=True, timeout=120
        )
        if done.returncode != 0 or "ERROR" in done.stdout + done.stderr:
            sys.exit(f"ardour7-lua failed: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def export(self, name):
        """Exports the session; gives its channels."""
        path = self.folder / f"{name}.wav"
        command = ["ardour7-export", "-b", "float", "-o", path, self.session, NAME]
        path.unlink(missing_ok=True)
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=600)
        if not path.is_file():
            sys.exit(f"ardour7-export failed: {done.returncode}\n{done.stdout}{done.stderr}")
        return read(path)


def read(path):
    """The channels of a WAV of 32-bit floats."""
    data = Path(path).read_bytes()
    at = 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind == b"fmt ":
            channels = int.from_bytes(data[at + 10 : at + 12], "little")
            assert int.from_bytes(data[at + 22 : at + 24], "little") == 32, "32 bits a sample"
        if kind == b"data":
            body = np.frombuffer(data[at + 8 : at + 8 + size], "<f4")
            return body.reshape(-1, channels).T.copy()
        at += 8 + size + size % 2
    sys.exit(f"{path} holds no samples")


def overwrite(path, samples):
    """Puts other samples in a mono WAV of 32-bit floats; there must be as many."""
    data = bytearray(path.read_bytes())
    begin = data.index(b"data") + 8
    size = int.from_bytes(data[begin - 4 : begin], "little")
    data[begin : begin + size] = samples[: size // 4].astype("<f4").tobytes()
    path.write_bytes(data)


def sound(seed, samples):
    """Sweeps and noise that come and go."""
    generator = np.random.default_rng(seed)
    time = np.arange(samples) / RATE
    sweep = np.sin(2 * np.pi * (100 + 60 * seed) * time * (1 + time))
    gate = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 1.7 * time + seed))
    return 0.2 * gate * (sweep + generator.uniform(-0.3, 0.3, samples))


def parameters(printed):
    return dict(re.findall(r"PARAMETER\s+(.+?)\s+([-0-9.]+)$", printed, re.M))


def check(name, passed, found=""):
    print(f"{'ok' if passed else 'FAILED'}: {name} {found}".rstrip())
    return passed


def difference(one, other, first=0):
    """What differs between two exports from sample `first` on, in words, and in how many samples."""
    if one.shape != other.shape:
        return f"shapes {one.shape} and {other.shape}", None
    compared = np.arange(one.shape[1]) >= first
    compared[::FOREIGN] = False
    one, other = one[:, compared], other[:, compared]
    differ = int(np.count_nonzero(one.view(np.uint32) != other.view(np.uint32)))
    return f"{differ} of {one.size} samples differ, by {np.max(np.abs(one - other)):.3g} at most", differ


def run(folder, bundle, residue):
    ardour = Ardour(folder, bundle)
    ardour.lua(RECORD, CLOSE)
    files = sorted((ardour.session / "interchange").rglob("*.wav"))
    assert len(files) == 2, files
    sounds = [sound(seed, RATE * (SECONDS + 4)).astype(np.float32) for seed in range(2)]
    for samples, path in zip(sounds, files):
        overwrite(path, samples)
    plain = ardour.export("plain")
    known = np.concatenate([np.zeros((2, RATE), np.float32), sounds], axis=1)
    plain[:, ::FOREIGN] = known[:, : plain.shape[1] : FOREIGN]
    level = float(np.sqrt(np.mean(plain**2)))
    yield check("the track is heard", level > 0.01, f"{plain.shape[1]} samples, {level:.3f} RMS")

    printed = ardour.lua(OPEN, INSERT, PLUGIN, SET, SHOW, SAVE, CLOSE, values=table(DRY))
    latency = int(re.search(r"LATENCY\s+(\d+)", printed)[1])
    dry = ardour.export("dry")
    words, differ = difference(dry, plain)
    yield check(f"the dry lane is compensated by {latency} samples", differ == 0, words)

    printed = ardour.lua(OPEN, PLUGIN, SET, SHOW, SAVE, CLOSE, values=table(LANE_A))
    before = parameters(printed)
    lane = ardour.export("lane")
    roundtrip = Roundtrip(folder, residue)
    silence = roundtrip.silence_before(plain, lane)
    words, differ = difference(lane, roundtrip.run(plain, silence), HEARD)
    yield check(f"lane A is what roundtrip makes of {silence} silent samples and the track", differ == 0, words)

    after = parameters(ardour.lua(OPEN, PLUGIN, SHOW, SAVE, CLOSE))
    wanted = all(abs(float(after[label]) - value) < 1e-4 for label, value in LANE_A.items())
    yield check("an opened session has its parameters", before == after and wanted, json.dumps(after))
    again = ardour.export("again")
    silence = roundtrip.silence_before(plain, again)
    words, differ = difference(again, roundtrip.run(plain, silence), HEARD)
    yield check(f"and exports the same, after {silence} silent samples", differ == 0, words)


class Roundtrip:
    """What the command line makes of audio."""

    def __init__(self, folder, residue):
        self.folder, self.residue = folder, residue

    def run(self, audio, silence):
        """What is made of `audio` after so many samples of silence."""
        source, result = self.folder / "source.wav", self.folder / "result.wav"
        before = np.zeros((audio.shape[0], silence), np.float32)
        write(source, np.concatenate([before, audio], axis=1))
        command = [self.residue, "roundtrip", source, "-o", result, "--depth", str(DEPTH)]
        # The precision of a new instance.
        command += ["--precision", "auto"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return read(result)[:, silence:]

    def silence_before(self, plain, lane):
        """Silent samples that the plugin was sent before the export began: where `lane` fits best."""
        place = self.place(plain, lane)
        piece, heard = plain[:, : 2 * RATE], lane[:, : 2 * RATE]

        def differing(frames):
            return difference(self.run(piece, frames * FRAME + place), heard, HEARD)[1]

        return min(BEFORE, key=differing) * FRAME + place

    def place(self, plain, lane):
        """How far into a frame the export began."""
        # The sound begins at a whole frame. All places are tried in one go, one after another with
        # silence between them; what is before it matters a little, so the best are tried again alone.
        length, gap, long = 8 * FRAME, 16 * FRAME, 32 * FRAME
        begin = RATE
        piece, heard = plain[:, begin : begin + length], lane[:, begin : begin + length]
        tries = np.zeros((2, FRAME * long), np.float32)
        starts = [place * long + gap + place for place in range(FRAME)]
        for start in starts:
            tries[:, start : start + length] = piece
        made = self.run(tries, 0)
        off = [float(np.median((made[:, start : start + length] - heard) ** 2)) for start in starts]

        def off_alone(place):
            return float(np.median((self.run(piece, SILENCE + place) - heard) ** 2))

        return min(sorted(range(FRAME), key=off.__getitem__)[:8], key=off_alone)


def write(path, audio):
    """A WAV of 32-bit floats."""
    body = audio.T.astype("<f4").tobytes()
    channels = audio.shape[0]
    form = struct.pack("<HHIIHH", 3, channels, RATE, RATE * channels * 4, channels * 4, 32)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(body)) + body
    Path(path).write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)


def table(values):
    return "{" + ", ".join(f'["{label}"] = {value!r}' for label, value in values.items()) + "}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=Path("target/bundled/Residue.vst3"))
    parser.add_argument("--residue", type=Path, default=Path("target/release/residue"))
    parser.add_argument("--keep", type=Path, help="an empty folder for session and exports")
    args = parser.parse_args()
    version = subprocess.run(["ardour7-lua", "--version"], capture_output=True, text=True).stdout
    print(version.splitlines()[0] if version else "ardour7-lua")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.keep or Path(temporary)).resolve()
        passed = list(run(folder, args.bundle.resolve(), args.residue.resolve()))
    print(f"{sum(passed)} of {len(passed)} passed")
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()
