"""The gallery over project folders: listing files, their metadata, bringing outputs in."""
