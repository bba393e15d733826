"""The built-in k nearest neighbours, on faiss as AWS's image is."""
