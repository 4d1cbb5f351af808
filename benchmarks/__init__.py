"""Commands that measure accuracy, speed, robustness and the reproduction of published tables."""
