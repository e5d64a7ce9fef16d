"""HaGRID: what lies on the disk (tree), what is used (plan), done piece by piece (shards) and as a whole (prepare)."""
