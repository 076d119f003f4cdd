"""The home as one sees it: a small page with the devices on a wall, and a JSON API beside it."""
