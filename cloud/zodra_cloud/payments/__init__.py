"""Money between a household and us: held before a shop is asked, taken when it has sent."""
