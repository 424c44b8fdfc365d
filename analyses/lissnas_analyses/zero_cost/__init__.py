"""Zero-cost scores of a space in a predictor file: `measure.py` computes them, `score_file.py` stores them."""
