"""Real networks and their training: the only place where torch is imported (the extra `supernet`)."""

BIBTEX = """\
@inproceedings{guo2020single,
  title         = {Single Path One-Shot Neural Architecture Search with Uniform Sampling},
  author        = {Guo, Zichao and Zhang, Xiangyu and Mu, Haoyuan and Heng, Wen and Liu, Zechun and Wei, Yichen and
    Sun, Jian},
  booktitle     = {European Conference on Computer Vision (ECCV)},
  year          = {2020},
  eprint        = {1904.00420},
  archivePrefix = {arXiv},
}
"""
"""Training by single paths, drawn uniformly, as an entry of BibTeX."""
