#!/usr/bin/env bash
# Packs the browser extension. Takes where to; by default .whorl/whorl-extension-VERSION.zip.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
version=$(sed -n 's/^ *"version": "\(.*\)",$/\1/p' "$root/extension/manifest.json")
exec python3 "$root/deploy/pack-extension.py" "$root/extension" "${1:-$root/.whorl/whorl-extension-$version.zip}"
