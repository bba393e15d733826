"""The built-in random cut forest, after Guha, Mishra, Roy and Schrijvers, "Robust Random Cut Forest", ICML 2016."""
