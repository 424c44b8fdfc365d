"""The networks: supernets that share weights, and the stand-alone networks of their paths. Read `supernet.py` first.

`chain_network.py` is the supernet of chains (ShuffleNetV2, MobileNet), `cell_supernet.py` that of NAS-Bench-201 cells.
"""
