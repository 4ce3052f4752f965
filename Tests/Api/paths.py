"""Where things are. Importing it makes the chaos harness's own modules (`program`, `waiting`, `client`) findable."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "Sources"
DOCUMENT = SOURCES / "GatewayApp" / "Resources" / "openapi.yaml"
CHAOS = ROOT / "Tests" / "Chaos"

if str(CHAOS) not in sys.path:
    sys.path.append(str(CHAOS))
