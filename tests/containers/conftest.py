from compute.programs import processes, sandboxed  # noqa: F401  (fixtures)

from containers.programs import works  # noqa: F401  (fixtures)
