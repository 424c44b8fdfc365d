"""Exporting one network: its weights with a module file that needs only PyTorch, ONNX, safetensors, a model card.

Read `export_network.py` first.
"""
