"""Where things lie: /opt/ml as a container of SageMaker sees it, or the folder that SAGEMAKER_BASE_DIR names."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Folders:
    base: Path

    @classmethod
    def of_this_process(cls) -> "Folders":
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def code(self) -> Path:
        return self.base / "code"

    @property
    def input(self) -> Path:
        return self.base / "input"

    @property
    def config(self) -> Path:
        return self.input / "config"

    @property
    def output(self) -> Path:
        return self.base / "output"

    @property
    def checkpoints(self) -> Path | None:
        """None when the job has no CheckpointConfig."""
        if not (self.config / "checkpointconfig.json").exists():
            return None
        named = Path(self.read("checkpointconfig").get("LocalPath", "/opt/ml/checkpoints"))
        return self.base / named.relative_to("/opt/ml") if named.is_relative_to("/opt/ml") else named

    def channel(self, name: str) -> Path:
        return self.input / "data" / name

    def read(self, name: str) -> dict[str, Any]:
        """A configuration file by its name without .json; {} when the platform wrote none."""
        path = self.config / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def write_failure(self, text: str) -> None:
        """What DescribeTrainingJob will show as FailureReason: the platform reads the first 1024 characters."""
        self.output.mkdir(parents=True, exist_ok=True)
        (self.output / "failure").write_text(text)
