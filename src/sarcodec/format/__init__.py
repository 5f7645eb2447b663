"""The file, bytes to typed parts and back: one module a chapter of docs/format.md. Knows no network and no codec arithmetic."""
