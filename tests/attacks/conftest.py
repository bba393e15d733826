from compute.programs import processes, root, sandboxed  # noqa: F401  (fixtures)
