#!/usr/bin/env bash
# Draws the icons from their SVGs, by rsvg-convert of Debian's librsvg2-bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
for size in 16 32; do
    rsvg-convert --width "$size" --height "$size" --output "icon-$size.png" icon-small.svg
done
for size in 48 128; do
    rsvg-convert --width "$size" --height "$size" --output "icon-$size.png" icon.svg
done
