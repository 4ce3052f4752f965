"""Where things are. Importing it makes the other harnesses' modules (`program`, `waiting`, `client`, `service`) findable."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "extension"
PAGES = pathlib.Path(__file__).resolve().parent / "pages"
PICTURES = ROOT / "docs" / "images" / "extension"
PROGRAMS = ("whorl", "whorl-gateway", "whorl-worker", "whorl-decoder")

for folder in (ROOT / "Tests" / "Chaos", ROOT / "Tests" / "Api"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
