"""Training all cells of `cell201` on their own, 25 at once, for the tables in data/. Read `train_cells.py` first.

`cell_packs.py` divides the cells into packs, `grouped_training.py` trains a pack, `grouped_networks.py` computes many
networks as one, and `pack_store.py` keeps the results.
"""
