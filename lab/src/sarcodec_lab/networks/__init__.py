"""The float and quantisation-aware networks in torch: transforms, entropy model, and the codec that joins them."""
