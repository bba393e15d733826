"""The SM_* variables and the arguments of a script, as the sagemaker-training toolkit makes them."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skylab.images.folders import Folders

RESERVED = {
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_region",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "default_user_module_name",
    "_tuning_objective_metric",
    "sagemaker_s3_output",
}
INFO = 20


@dataclass(frozen=True)
class Environment:
    folders: Folders

    @cached_property
    def all_hyperparameters(self) -> dict[str, Any]:
        """Decoded where they are JSON, else as they are: that is how values of a raw Estimator work."""
        return {key: decoded(value) for key, value in self.folders.read("hyperparameters").items()}

    @cached_property
    def hyperparameters(self) -> dict[str, Any]:
        return {key: value for key, value in self.all_hyperparameters.items() if not _reserved(key)}

    @cached_property
    def framework_params(self) -> dict[str, Any]:
        every = self.all_hyperparameters
        return {key: value for key, value in every.items() if _reserved(key) and key not in RESERVED}

    @property
    def program(self) -> str | None:
        return os.environ.get("SAGEMAKER_PROGRAM") or self.all_hyperparameters.get("sagemaker_program")

    @property
    def submit_directory(self) -> str:
        default = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", str(self.folders.code))
        return str(self.all_hyperparameters.get("sagemaker_submit_directory", default))

    @cached_property
    def resources(self) -> dict[str, Any]:
        return self.folders.read("resourceconfig") or {"current_host": "algo-1", "hosts": ["algo-1"]}

    @property
    def hosts(self) -> list[str]:
        return self.resources["hosts"]

    @property
    def current_host(self) -> str:
        return self.resources["current_host"]

    @cached_property
    def channels(self) -> dict[str, str]:
        return {name: str(self.folders.channel(name)) for name in sorted(self.folders.read("inputdataconfig"))}

    @cached_property
    def _groups(self) -> dict[str, Any]:
        groups = self.resources.get("instance_groups") or [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": self.resources.get("current_instance_type", "local"),
                "hosts": self.hosts,
            }
        ]
        return {group["instance_group_name"]: group for group in groups}

    def told(self) -> dict[str, Any]:
        """What the toolkit's training_env holds: SM_TRAINING_ENV as an object."""
        group = self.resources.get("current_group_name", "homogeneousCluster")
        distributed = self.framework_params.get("sagemaker_distribution_instance_groups", list(self._groups))
        together = [host for name in distributed for host in self._groups.get(name, {}).get("hosts", [])]
        program = self.program or ""
        topology = self.resources.get("topology")
        more = self._places_and_size() | ({"topology": topology} if topology else {})
        return more | {
            "additional_framework_parameters": self.framework_params,
            "current_host": self.current_host,
            "current_instance_group": group,
            "current_instance_group_hosts": self._groups.get(group, {}).get("hosts", self.hosts),
            "current_instance_type": self.resources.get("current_instance_type", "local"),
            "distribution_hosts": together or self.hosts,
            "distribution_instance_groups": distributed,
            "framework_module": os.environ.get("SAGEMAKER_TRAINING_MODULE"),
            "hosts": self.hosts,
            "hyperparameters": self.hyperparameters,
            "input_data_config": self.folders.read("inputdataconfig"),
            "instance_groups": list(self._groups),
            "instance_groups_dict": self._groups,
            "is_hetero": len(self._groups) > 1,
            "is_master": self.current_host == self.hosts[0],
            "is_modelparallel_enabled": None,
            "is_smddpmprun_installed": False,
            "is_smddprun_installed": False,
            "job_name": os.environ.get("TRAINING_JOB_NAME"),
            "log_level": self.all_hyperparameters.get("sagemaker_container_log_level", INFO),
            "master_hostname": self.hosts[0],
            "module_name": program.removesuffix(".py"),
            "network_interface_name": self.resources.get("network_interface_name", "eth0"),
            "resource_config": self.resources,
            "user_entry_point": self.program,
        }

    def _places_and_size(self) -> dict[str, Any]:
        return {
            "channel_input_dirs": self.channels,
            "input_config_dir": str(self.folders.config),
            "input_dir": str(self.folders.input),
            "model_dir": str(self.folders.model),
            "module_dir": self.submit_directory,
            "output_data_dir": str(self.folders.output / "data"),
            "output_dir": str(self.folders.output),
            "output_intermediate_dir": str(self.folders.output / "intermediate"),
            "num_cpus": cpus(),
            "num_gpus": gpus(),
            "num_neurons": 0,
        }

    def variables(self) -> dict[str, str]:
        """Every SM_ variable, lists and objects as JSON with sorted keys."""
        told = self.told()
        params = told.pop("additional_framework_parameters")
        training_env = {"additional_framework_parameters": params} | told
        alone = {"job_name", "is_master", "master_hostname", "distribution_hosts"}
        alone |= {name for name in told if name.startswith("is_") and name != "is_hetero"}
        env = {name: value for name, value in told.items() if name not in alone | {"hyperparameters"}}
        dirs = env.pop("channel_input_dirs")
        env |= {"hps": self.hyperparameters, "framework_params": params, "channels": sorted(dirs)}
        env |= {"training_env": training_env, "user_args": self.arguments()}
        env |= {f"channel_{name}": path for name, path in dirs.items()}
        env |= {f"hp_{name}": value for name, value in self.hyperparameters.items()}
        return {f"SM_{name.upper()}": _text(value) for name, value in env.items()}

    def arguments(self) -> list[str]:
        """-k value for a name of one letter, else --name value; sorted by name."""
        argv: list[str] = []
        for name, value in sorted(self.hyperparameters.items()):
            argv += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(value)]
        return argv


def decoded(value: Any) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError):
        return value


def cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> int:
    if not shutil.which("nvidia-smi"):
        return 0
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def _reserved(key: str) -> bool:
    return key in RESERVED or key.startswith("sagemaker_")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _argument(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return "" if value is None else str(value)
