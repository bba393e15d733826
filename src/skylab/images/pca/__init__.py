"""The built-in principal component analysis."""
