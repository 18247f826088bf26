"""The VST3 bundle in two hosts from the Python package index: pedalboard and dawdreamer.

    python plugin/tests/vst3_hosts.py Residue.vst3 residue

`cargo xtask hosts` makes an environment with both, bundles the library that the tests were built with,
whose process() ends the host where it allocates, and runs this. `residue` is the command line, whose
`roundtrip` says what a render has to be.

pedalboard compensates latency and always renders offline; dawdreamer does neither. What CLAP's tests
check in depth is checked here only as far as the format could make a difference.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dawdreamer
import numpy as np
import pedalboard
from pedalboard.io import AudioFile

RATE = 48_000


def noise(seed, samples, level=0.3):
    generator = np.random.default_rng(seed)
    return (generator.uniform(-level, level, (2, samples))).astype(np.float32)


def peak(audio):
    return float(np.max(np.abs(audio)))


def check(name, passed, found=""):
    print(f"{'ok' if passed else 'FAILED'}: {name} {found}".rstrip())
    return passed


def pedalboard_checks(bundle):
    plugin = pedalboard.load_plugin(bundle)
    names = list(plugin.parameters)
    yield check("parameters are listed", {"depth_a", "listen", "bypass"} <= set(names), names)

    audio = noise(1, RATE)
    plugin.listen = "Dry"
    dry = plugin(audio, RATE, buffer_size=512)
    yield check("the dry lane is the input, compensated", np.array_equal(dry, audio))

    plugin.listen = "A"
    plugin.depth_a = "2 kbps"
    yield check("text is understood", str(plugin.depth_a).startswith("2 "), plugin.depth_a)
    one = plugin(audio, RATE, buffer_size=512)
    two = plugin(audio, RATE, buffer_size=97)
    yield check("renders do not depend on blocks", np.array_equal(one, two))
    yield check("lane A is heard", peak(one) > 0.01 and not np.array_equal(one, audio))

    state = plugin.raw_state
    other = pedalboard.load_plugin(bundle)
    other.raw_state = state
    yield check("a state arrives", str(other.depth_a) == str(plugin.depth_a), other.depth_a)
    yield check("a state round-trips", other.raw_state == state)
    three = other(audio, RATE, buffer_size=512)
    yield check("a restored instance sounds the same", np.array_equal(one, three))

    plugin.bypass = True
    bypassed = plugin(audio, RATE, buffer_size=512)
    yield check("bypass is the input, compensated", np.array_equal(bypassed, audio))

    plugin.bypass = False
    plugin.listen = "Dry"
    same = True
    for rate in (8000, 22_050, 44_100, 96_000, 192_000, 768_000):
        for block in (1 if rate < 10_000 else 33, 16_384):
            audio = noise(rate, rate // 4 + 5)
            same = same and np.array_equal(plugin(audio, rate, buffer_size=block), audio)
    yield check("8 to 768 kHz, blocks of 1 to 16384: the dry lane is the input", same)

    odd = noise(4, RATE // 2)
    odd[0, 100:110] = np.nan
    odd[1, 5000:5100] = np.inf
    odd[:, 9000:12_000] = 1e-42
    plugin.listen = "A"
    out = plugin(odd, RATE, buffer_size=512)
    yield check("nonsense in gives numbers out", bool(np.all(np.isfinite(out))) and peak(out) > 0.01)

    mono = pedalboard.load_plugin(bundle)
    out = mono(noise(5, RATE)[:1], RATE, buffer_size=512)
    yield check("mono works", out.shape == (1, RATE) and peak(out) > 0.01, out.shape)


def render_checks(bundle, residue):
    """An offline render is what the command line writes."""
    with tempfile.TemporaryDirectory() as folder:
        # Layers of the model that is built in are worth a kilobit a second each.
        for rate, depth, bitrate in ((44_100, 3, "3 kbps"), (RATE, 8, "8 kbps")):
            source, result = Path(folder, "in.wav"), Path(folder, "out.wav")
            with AudioFile(str(source), "w", rate, num_channels=2, bit_depth=32) as file:
                file.write(noise(rate, 2 * rate + 77))
            with AudioFile(str(source)) as file:
                audio = file.read(file.frames)
            command = [residue, "roundtrip", source, "-o", result, "--depth", str(depth)]
            # The precision of a new instance.
            command += ["--precision", "auto"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            with AudioFile(str(result)) as file:
                expected = file.read(file.frames)
            plugin = pedalboard.load_plugin(bundle)
            plugin.depth_a = bitrate
            out = plugin(audio, rate, buffer_size=777)
            same = np.array_equal(out.view(np.uint32), expected.view(np.uint32))
            off = float(np.max(np.abs(out - expected))) if out.shape == expected.shape else out.shape
            yield check(f"a render at {rate} Hz is what roundtrip writes, bit for bit", same, off)


def state_checks(bundle):
    """States with wrong letters in what the plugin saved."""
    plugin = pedalboard.load_plugin(bundle)
    plugin.depth_a = "7 kbps"
    saved = plugin.raw_state
    begin = saved.index(b"<IComponent>") + len("<IComponent>")
    # The length in front, which is the host's own.
    begin = saved.index(b".", begin) + 1
    end = saved.index(b"</IComponent>")
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    generator = np.random.default_rng(6)
    kept = refused = 0
    for _ in range(200):
        damaged = bytearray(saved)
        for _ in range(generator.integers(1, 4)):
            damaged[generator.integers(begin, end)] = letters[generator.integers(len(letters))]
        plugin.raw_state = bytes(damaged)
        values = [parameter.raw_value for parameter in plugin.parameters.values()]
        kept += all(0.0 <= value <= 1.0 for value in values)
        refused += plugin.raw_state == saved
    yield check("damaged states are survived", kept == 200, f"({refused} of 200 changed nothing)")
    plugin.raw_state = saved
    yield check("after which a sound one loads", plugin.raw_state == saved)


def dawdreamer_checks(bundle):
    def engine(values, rate=RATE, block=512):
        engine = dawdreamer.RenderEngine(rate, block)
        plugin = engine.make_plugin_processor("residue", bundle)
        names = {plugin.get_parameter_name(i): i for i in range(plugin.get_plugin_parameter_size())}
        for name, value in values.items():
            plugin.set_parameter(names[name], value)
        return engine, plugin

    def render(engine, plugin, audio, rate=RATE):
        engine.load_graph([(engine.make_playback_processor("in", audio), []), (plugin, ["in"])])
        engine.render(audio.shape[1] / rate)
        return engine.get_audio()

    for rate, block in ((8000, 64), (44_100, 1024), (RATE, 512), (384_000, 16_384)):
        impulse = np.zeros((2, rate), np.float32)
        impulse[:, 1000] = 0.5
        host, plugin = engine({"Listen": 0.0}, rate, block)
        out = render(host, plugin, impulse, rate)
        latency = plugin.get_latency_samples()
        found = np.nonzero(out[0])[0].tolist()
        right = found == [1000 + latency]
        yield check(f"an impulse at {rate} Hz lands at the latency", right, (found, latency))

    host, plugin = engine({"Bypass": 1.0})
    audio = noise(2, RATE)
    out = render(host, plugin, audio)
    latency = plugin.get_latency_samples()
    same = np.array_equal(out[:, latency:], audio[:, : RATE - latency])
    yield check("bypass is the input, late by the latency", same)

    host, plugin = engine({})
    curve = np.linspace(0, 1, RATE, dtype=np.float32)
    for parameter in range(plugin.get_plugin_parameter_size()):
        if plugin.get_parameter_name(parameter) != "Bypass":
            plugin.set_automation(parameter, curve)
    out = render(host, plugin, audio)
    yield check("automation of everything gives numbers", bool(np.all(np.isfinite(out))))


def stress(bundle, rounds):
    """Two instances at a time, freed while the host still has to do what they asked for."""
    audio = noise(3, 2400)
    for _ in range(rounds):
        plugins = [pedalboard.load_plugin(bundle) for _ in range(2)]
        for plugin in plugins:
            plugin(audio, RATE, buffer_size=256)
            # Asks the host to start audio anew, from the audio thread.
            plugin.stereo_in_mono_models = "Mid only"
            plugin(audio, RATE, buffer_size=256, reset=False)
        del plugins
    yield check(f"{2 * rounds} instances came and went", True)


def main():
    bundle, residue = sys.argv[1:]
    print(f"pedalboard {pedalboard.__version__}, dawdreamer {dawdreamer.__version__}")
    began = time.monotonic()
    passed = [
        *pedalboard_checks(bundle),
        *render_checks(bundle, residue),
        *state_checks(bundle),
        *dawdreamer_checks(bundle),
        *stress(bundle, 40),
    ]
    print(f"{sum(passed)} of {len(passed)} passed, in {time.monotonic() - began:.0f} s")
    sys.exit(not all(passed))


main()
