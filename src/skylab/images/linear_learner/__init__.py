"""The built-in linear learner: many linear models trained side by side, the best of them kept and calibrated."""
