"""Research files (.sara): a scene as quantised latents, and back."""
