"""Packs the browser extension into a zip: what it needs and nothing else, the same bytes from the same files.

    pack-extension.py EXTENSION_FOLDER OUTPUT

Ends with code 1 where a file that a manifest, page or module names is missing, so that a broken extension is never packed.
"""

import json
import pathlib
import re
import sys
import zipfile

# What is there for those who change it.
LEFT_OUT = {"types", "tsconfig.json", "README.md"}
KINDS = {".js", ".json", ".html", ".css", ".png"}
# The zip format's first day: when a file was changed says nothing about what is in it.
MOMENT = (1980, 1, 1, 0, 0, 0)
REFERENCE = re.compile(r"""(?:from|import|src=|href=)\s*\(?["']([^"'#?]+\.(?:js|css|png|html))["']""")


def packed_files(folder: pathlib.Path) -> list[pathlib.Path]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in paths if path.relative_to(folder).parts[0] not in LEFT_OUT and path.suffix in KINDS]


def named_by_manifest(manifest: object) -> list[str]:
    if isinstance(manifest, dict):
        return [name for value in manifest.values() for name in named_by_manifest(value)]
    if isinstance(manifest, list):
        return [name for value in manifest for name in named_by_manifest(value)]
    return [manifest] if isinstance(manifest, str) and re.fullmatch(r"[\w./-]+\.(js|html|png|css)", manifest) else []


def missing(folder: pathlib.Path, paths: list[pathlib.Path]) -> list[str]:
    there = {path.resolve() for path in paths}
    found = []
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name in named_by_manifest(manifest):
        if (folder / name).resolve() not in there:
            found.append(f"manifest.json names {name}")
    for path in paths:
        if path.suffix not in {".js", ".html", ".css"}:
            continue
        for name in REFERENCE.findall(path.read_text(encoding="utf-8")):
            target = folder / name.lstrip("/") if name.startswith("/") else path.parent / name
            if "://" not in name and target.resolve() not in there:
                found.append(f"{path.relative_to(folder)} names {name}")
    return found


def main() -> int:
    folder, output = (pathlib.Path(argument) for argument in sys.argv[1:])
    paths = packed_files(folder)
    complaints = missing(folder, paths)
    for complaint in complaints:
        print(f"{complaint}, which is not there", file=sys.stderr)
    if complaints:
        return 1
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in paths:
            entry = zipfile.ZipInfo(str(path.relative_to(folder)), MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    print(f"{output}: {len(paths)} files, {output.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
