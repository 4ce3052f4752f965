"""The machine that is measured on: what of it matters, and which of its CPUs the contenders get."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess
from collections.abc import Sequence

from report import count

# The kernel's names of those that decide which kernels a contender takes.
FLAGS = ("avx2", "fma", "avx_vnni", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "amx_fp16")
# Settings of the caller's shell would hold a contender back or drive it on.
FOREIGN = ("OMP_", "GOMP_", "KMP_", "MKL_", "ONEDNN_", "DNNL_", "OV_", "ATEN_", "TORCH", "OPENBLAS_", "ORT_", "OPENCV_", "DECORD_", "PYTHON")
# Those of servers and queues would make them others than the ones that are described.
FOREIGN += ("WHORL_", "DATABASE_URL", "REDIS_URL", "PG", "CELERY", "RQ_")


def cpu_facts(cpuinfo: str) -> tuple[str, list[str]]:
    """The model's name and those of FLAGS that the kernel shows."""
    model = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    flags = re.search(r"^flags\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    shown = flags.group(1).split() if flags else []
    return (model.group(1).strip() if model else "unknown"), [flag for flag in FLAGS if flag in shown]


def siblings(cpu: int) -> str:
    """The CPUs that share this one's core."""
    path = pathlib.Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    return path.read_text().strip() if path.exists() else str(cpu)


def choose_cpus(threads: int, available: set[int]) -> set[int]:
    """As many CPUs as threads, and of different cores as long as there are any."""
    seen: set[str] = set()
    first, second = [], []
    for cpu in sorted(available):
        core = siblings(cpu)
        (second if core in seen else first).append(cpu)
        seen.add(core)
    return set((first + second)[:threads])


def clean_environment(cache: pathlib.Path) -> dict[str, str]:
    """For a contender: the shell's, less what changes how fast one computes; what torch compiles goes to `cache`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return kept | {"TORCHINDUCTOR_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Of those that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def output_of(command: list[str]) -> str:
    """What a program prints, or nothing if it cannot."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def ffmpeg_version() -> str:
    """Of the program; its libraries, which come with it, are Whorl's and torchcodec's. The other peers bring their own."""
    found = re.match(r"ffmpeg version (\S+)", output_of(["ffmpeg", "-version"]))
    return found.group(1) if found else "of an unknown version"


def wrk_version() -> str:
    """It says it with its help, and ends with a code."""
    said = subprocess.run(["wrk", "--version"], capture_output=True, text=True, timeout=30, check=False)
    found = re.match(r"wrk (?:debian/)?(\S+)", said.stdout + said.stderr)
    return found.group(1) if found else "of an unknown version"


def nginx_version() -> str:
    """It says it on standard error."""
    said = subprocess.run(["nginx", "-v"], capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"nginx/(\S+)", said.stdout + said.stderr)
    return found.group(1) if found else "of an unknown version"


def whorl_version(whorl: pathlib.Path, root: pathlib.Path) -> str:
    """The version and the commit. What was changed since is not in it, so that is said."""
    version = output_of([str(whorl), "--version"]) or "of an unknown version"
    commit = output_of(["git", "-C", str(root), "rev-parse", "--short", "HEAD"])
    changed = output_of(["git", "-C", str(root), "status", "--porcelain", "--", "Sources", "Package.swift"])
    if not commit:
        return version
    return f"{version}, commit {commit}{' with changes' if changed else ''}"


def facts(packages: Sequence[str], whorl: pathlib.Path, root: pathlib.Path) -> list[tuple[str, str]]:
    """Name and value of everything that the figures depend on; no path of this machine."""
    path = pathlib.Path("/proc/cpuinfo")
    model, flags = cpu_facts(path.read_text() if path.exists() else "")
    available = os.sched_getaffinity(0)
    cores = len({siblings(cpu) for cpu in available})
    # The rest of it tells who built it.
    kernel = ".".join(platform.release().split(".")[:2])
    named = ", ".join(f"{name} {version}" for name, version in versions(packages).items())
    return [
        ("CPU", f"{model}, {count(len(available), 'CPU')} on {count(cores, 'core')}"),
        ("its flags of interest", " ".join(flags) or "none"),
        ("load before", f"{os.getloadavg()[0]:.2f}"),
        ("system", f"{platform.system()} {kernel}, Python {platform.python_version()}"),
        ("peers", named),
        ("Whorl", whorl_version(whorl, root)),
        ("date", datetime.date.today().isoformat()),
    ]
