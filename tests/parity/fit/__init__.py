"""The fitting room against its twins."""
