"""The networks: supernets that share weights, and the stand-alone networks of their paths.

Read `supernet.py` first, then `chain_network.py`.
"""
