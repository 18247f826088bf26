"""Kills and stops Residue and its sound server, and fills the disk, and looks at what is left.

    python3 scripts/kill_tests.py [--residue target/release/residue] [--rounds 5]

Linux. The sound server is jackd without a sound card; a full disk needs root, for a tmpfs of its own.
Prints a line for each kind: how many rounds were right. Exits with 1 if any was not.
"""

import argparse
import fcntl
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLIP = ROOT / "assets/clips/speech.flac"
SERVER = "residue-test"
# Longest time that anything may take to end by itself once its server is gone.
PATIENCE = 20


class Server:
    """A JACK server without a sound card, one at a time on this machine."""

    def __enter__(self):
        # The lock of the tests in app/tests/listen.
        self.lock = open(pathlib.Path(tempfile.gettempdir()) / "residue-test-jack.lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.process = subprocess.Popen(
            ["jackd", "--no-realtime", "--sync", "--name", SERVER, "--timeout", "2000", "-d", "dummy",
             "--rate", "48000", "--period", "1024", "--capture", "0", "--playback", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(2)
        assert self.process.poll() is None, "jackd does not run"
        return self.process

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self.lock.close()


def environment():
    return {**os.environ, "JACK_DEFAULT_SERVER": SERVER, "JACK_NO_START_SERVER": "1"}


def listen(residue):
    return subprocess.Popen([residue, "listen", "--host", "jack"], env=environment(), text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended_in_words(listener):
    """Whether a listener ends by itself with an error in words, and no panic."""
    try:
        _, said = listener.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        listener.kill()
        listener.communicate()
        return False, "still runs"
    last = said.strip().splitlines()[-1] if said.strip() else "nothing"
    right = listener.returncode == 1 and last.startswith("residue: ") and "panicked" not in said
    return right, f"exit code {listener.returncode}: {last}"


def stop_server(residue, folder, chance):
    with Server() as server:
        listener = listen(residue)
        time.sleep(2 + chance.random())
        server.send_signal(signal.SIGSTOP)
        return ended_in_words(listener)


def kill_server(residue, folder, chance):
    with Server() as server:
        listener = listen(residue)
        time.sleep(2 + chance.random())
        server.kill()
        return ended_in_words(listener)


def stop_listener(residue, folder, chance):
    """A listener that stood still for a second goes on, and ends when it is asked to."""
    with Server():
        listener = listen(residue)
        time.sleep(2)
        listener.send_signal(signal.SIGSTOP)
        time.sleep(1)
        listener.send_signal(signal.SIGCONT)
        time.sleep(2)
        listener.send_signal(signal.SIGTERM)
        try:
            said, errors = listener.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            listener.kill()
            listener.communicate()
            return False, "still runs"
        # JACK may have given up a client that stood still: that is told.
        right = "heard" in said and "panicked" not in errors
        return right, f"exit code {listener.returncode}: {said.strip()}"


def convert(residue, output):
    command = [residue, "roundtrip", CLIP, "-o", output, "--threads", "1"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def whole(path):
    """Whether a WAV file is as long as it says."""
    content = path.read_bytes()
    return content[:4] == b"RIFF" and struct.unpack("<I", content[4:8])[0] + 8 == len(content)


def kill_converter(residue, folder, chance):
    """A kill at any moment leaves the old file or the whole new one, and the next run works."""
    output = folder / "out.wav"
    output.write_bytes(b"old")
    converter = convert(residue, output)
    time.sleep(chance.random() * kill_converter.seconds)
    converter.kill()
    converter.communicate()
    if output.read_bytes() != b"old" and not whole(output):
        return False, "a partial file has the output's name"
    again = convert(residue, output)
    again.communicate()
    left = sorted(path.name for path in folder.iterdir() if path != output)
    right = again.returncode == 0 and whole(output) and not left
    return right, f"exit code {again.returncode}, left behind: {left or 'nothing'}"


def stop_converter(residue, folder, chance):
    """A conversion that was stopped for a while gives the same bytes."""
    plain, stopped = folder / "plain.wav", folder / "stopped.wav"
    convert(residue, plain).communicate()
    converter = convert(residue, stopped)
    for _ in range(3):
        time.sleep(0.1 * chance.random())
        if converter.poll() is None:
            converter.send_signal(signal.SIGSTOP)
            time.sleep(0.3)
            converter.send_signal(signal.SIGCONT)
    converter.communicate()
    same = plain.read_bytes() == stopped.read_bytes()
    return same, "the same bytes" if same else "other bytes"


def fill_disk(residue, folder, chance):
    """On a full disk the old file stays, nothing is left behind, and the error says so."""
    disk = folder / "disk"
    disk.mkdir()
    kilobytes = chance.randrange(8, 200)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk], check=True)
    try:
        output = disk / "out.wav"
        output.write_bytes(b"old")
        converter = convert(residue, output)
        _, said = converter.communicate()
        left = sorted(path.name for path in disk.iterdir() if path != output)
        right = converter.returncode == 1 and output.read_bytes() == b"old" and not left
        right &= str(output) in said and "panicked" not in said
        return right, f"exit code {converter.returncode}: {said.strip()}, left: {left or 'nothing'}"
    finally:
        subprocess.run(["umount", disk], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--residue", default=ROOT / "target/release/residue", type=pathlib.Path)
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--seed", default=1, type=int)
    options = parser.parse_args()
    residue, chance = options.residue.resolve(), random.Random(options.seed)

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        _, said = convert(residue, pathlib.Path(folder) / "timed.wav").communicate()
    kill_converter.seconds = time.monotonic() - began

    kinds = [("SIGKILL of a conversion", kill_converter), ("SIGSTOP of a conversion", stop_converter)]
    if os.geteuid() == 0:
        kinds.append(("full disk", fill_disk))
    else:
        print("full disk: left out, as it needs root")
    if shutil.which("jackd"):
        kinds += [("SIGSTOP of the sound server", stop_server),
                  ("SIGKILL of the sound server", kill_server), ("SIGSTOP of listen", stop_listener)]
    else:
        print("sound server: left out, as there is no jackd")
    wrong = 0
    for name, test in kinds:
        right = 0
        for number in range(options.rounds):
            with tempfile.TemporaryDirectory() as folder:
                good, what = test(residue, pathlib.Path(folder), chance)
            right += good
            if number == 0 or not good:
                print(f"  {name}, round {number + 1}: {what}")
        wrong += options.rounds - right
        print(f"{name}: {right} of {options.rounds} right", flush=True)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
