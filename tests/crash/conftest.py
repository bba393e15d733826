from compute.programs import processes, root, sandboxed  # noqa: F401  (fixtures)

from crash.kills import counter  # noqa: F401  (fixture)
