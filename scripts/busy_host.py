#!/usr/bin/env python3
"""Times a model beside other work: for each number of threads, with 0, 1 and 2 processes that spin.

    scripts/busy_host.py target/quick/residue --layout nano --random-weights

All arguments after the program go to `residue bench`. The runs take turns, round by round, so that a change of the
machine's speed meets all of them. The table has medians of the real-time factor over the rounds, their ratio to one
thread beside the same number of spinning processes, and the worst chunk as a multiple of the median one.
"""

import argparse
import json
import statistics
import subprocess
import sys

SPIN = "while True: pass"


def bench(program, options, threads):
    """Returns the report of one run."""
    command = [program, "bench", "--json", "--threads", str(threads), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="1,2", help="numbers of threads, the first is what the others are compared with")
    parser.add_argument("--spinning", default="0,1,2", help="numbers of processes that spin")
    arguments, options = parser.parse_known_args()
    counts = [int(n) for n in arguments.threads.split(",")]
    results = {}
    for _ in range(arguments.rounds):
        for spinning in [int(n) for n in arguments.spinning.split(",")]:
            others = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(spinning)]
            try:
                for threads in counts:
                    results.setdefault((spinning, threads), []).append(bench(arguments.program, options, threads))
            finally:
                for other in others:
                    other.kill()
                    other.wait()
    first = next(iter(results.values()))[0]
    print(f"{first['layout']} {first['precision']}, {first['instruction_set']}, medians of {arguments.rounds} rounds")
    print("spinning  threads     RTF  to 1st  worst/median")
    for (spinning, threads), reports in results.items():
        rtf = statistics.median(report["rtf"] for report in reports)
        base = statistics.median(report["rtf"] for report in results[spinning, counts[0]])
        worst = statistics.median(report["chunk_ms_max"] / report["chunk_ms_median"] for report in reports)
        print(f"{spinning:8}  {threads:7}  {rtf:6.3f}  {rtf / base:6.2f}  {worst:12.1f}")


if __name__ == "__main__":
    main()
