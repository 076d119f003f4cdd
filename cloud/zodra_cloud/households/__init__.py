"""Who lives where: households, people and how they sign in, devices and their slots."""
