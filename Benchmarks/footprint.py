"""How much memory `whorl analyze` takes, its decoder child apart, and how soon its first verdict is there.

    python footprint.py --model model.safetensors --clip clip.mp4 [--precision split] [--runs 5]

Memory is the proportional set size (PSS), the largest of readings some milliseconds apart. The time is the wall clock from the start of the
process to its end less what the verdict says decoding took: loading, packing, the forward and the pictures' maps.
"""

import argparse
import json
import statistics
import subprocess
import time

import memory


def measure(command: list[str]) -> tuple[float, float]:
    """Megabytes at the peak, and milliseconds beyond decoding."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory.now(process.pid)[1])
        time.sleep(memory.INTERVAL_SECONDS)
    milliseconds = (time.monotonic() - start) * 1e3
    verdict = json.loads(process.stdout.read())
    return peak / 1e6, milliseconds - verdict["timings"]["decodeMilliseconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--whorl", default=".build/release/whorl", help="the program")
    parser.add_argument("--model", required=True, help="the checkpoint")
    parser.add_argument("--clip", required=True, help="what to judge")
    parser.add_argument("--precision", action="append", help="as whorl's own; may be given again; default: all three")
    parser.add_argument("--runs", type=int, default=5, help="runs for each precision")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs must be 1 or more")
    for precision in options.precision or ["float32", "split", "bfloat16"]:
        command = [options.whorl, "analyze", "--json", "--model", options.model, "--precision", precision, options.clip]
        figures = [measure(command) for _ in range(options.runs)]
        megabytes = statistics.median(figure[0] for figure in figures)
        milliseconds = sorted(figure[1] for figure in figures)
        print(
            f"{precision}: {megabytes:.0f} MB, first verdict {statistics.median(milliseconds):.0f} ms beyond decoding "
            f"({milliseconds[0]:.0f} to {milliseconds[-1]:.0f}) over {options.runs} runs"
        )


if __name__ == "__main__":
    main()
