"""The built-in k-means: one pass over the data with too many centers, then Lloyd's algorithm on those centers."""
