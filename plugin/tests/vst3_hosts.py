"""The VST3 bundle in two hosts from the Python package index: pedalboard and dawdreamer.

    pip install numpy pedalboard dawdreamer
    python plugin/tests/vst3_hosts.py target/bundled/Residue.vst3

pedalboard compensates latency and always renders offline; dawdreamer does neither. What CLAP's tests
check in depth is checked here only as far as the format could make a difference.
"""

import sys

import dawdreamer
import numpy as np
import pedalboard

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

    mono = pedalboard.load_plugin(bundle)
    out = mono(audio[:1], RATE, buffer_size=512)
    yield check("mono works", out.shape == (1, RATE) and peak(out) > 0.01, out.shape)


def dawdreamer_checks(bundle):
    def engine(values):
        engine = dawdreamer.RenderEngine(RATE, 512)
        plugin = engine.make_plugin_processor("residue", bundle)
        names = {plugin.get_parameter_name(i): i for i in range(plugin.get_plugin_parameter_size())}
        for name, value in values.items():
            plugin.set_parameter(names[name], value)
        return engine, plugin

    def render(engine, plugin, audio):
        engine.load_graph(
            [(engine.make_playback_processor("in", audio), []), (plugin, ["in"])]
        )
        engine.render(audio.shape[1] / RATE)
        return engine.get_audio()

    impulse = np.zeros((2, RATE), np.float32)
    impulse[:, 1000] = 0.5
    host, plugin = engine({"Listen": 0.0})
    out = render(host, plugin, impulse)
    latency = plugin.get_latency_samples()
    found = np.nonzero(out[0])[0].tolist()
    yield check("an impulse lands at the latency", found == [1000 + latency], (found, latency))

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
    bundle = sys.argv[1]
    passed = [
        *pedalboard_checks(bundle),
        *dawdreamer_checks(bundle),
        *stress(bundle, 40),
    ]
    print(f"{sum(passed)} of {len(passed)} passed")
    sys.exit(not all(passed))


main()
