from images.conftest import job  # noqa: F401  (fixture)
