"""The system's scripts import one another by name, as they do inside a job."""

import sys
from pathlib import Path

SYSTEM = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(SYSTEM / part) for part in ("", "model", "steps", "data", "masking")]
