"""Where bytes come from and where they go on this machine: names, links, pipes, temporary files, free space."""
