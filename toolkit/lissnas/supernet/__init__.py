"""Real networks and their training: the only place where torch is imported (the extra `supernet`)."""
