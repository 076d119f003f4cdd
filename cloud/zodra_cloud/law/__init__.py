"""What consumer law asks for, as features: docs/law.md says which duty is met where."""
