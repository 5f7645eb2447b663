"""Verbs that the laboratory adds to `sarcodec`: train, freeze, publish, compare. Entry points of the group `sarcodec.verbs`."""
