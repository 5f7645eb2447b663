"""Which library this package fits (native/build_library.py wrote it): a number made of all exported signatures."""

INTERFACE = 1098850783
