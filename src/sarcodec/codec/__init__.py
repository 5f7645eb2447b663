"""A scene to a file and back: walks tiles, streams, keeps memory bounded. Knows no tensor and no table."""
