"""What quantisation took of a tile and how it is given back: mean power, speckle. Arrays and bytes; knows no file, no network."""
