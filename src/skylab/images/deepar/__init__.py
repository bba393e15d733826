"""The built-in DeepAR, on GluonTS' DeepAR for PyTorch: Salinas, Flunkert and Gasthaus, "DeepAR", 2017."""
