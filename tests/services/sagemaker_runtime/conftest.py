from endpoint_steps import hosting  # noqa: F401  (fixture)
