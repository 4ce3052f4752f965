"""The extension as it is, but with hosts that it needs not ask for: a prompt for permission cannot be clicked from outside."""

import json
import pathlib
import shutil

import places


def copy_extension(folder: pathlib.Path, hosts: list[str]) -> pathlib.Path:
    """Lays the copy into a new folder; hosts are origins, of which a permission takes every port."""
    copy = folder / "extension"
    shutil.copytree(places.EXTENSION, copy)
    file = copy / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["host_permissions"] = [f"{host.rpartition(':')[0]}/*" for host in hosts]
    file.write_text(json.dumps(manifest, indent=4), encoding="utf-8")
    return copy
