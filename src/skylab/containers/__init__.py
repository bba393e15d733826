"""Container images built and kept without Docker: a Dockerfile in, layers and an OCI manifest out."""
