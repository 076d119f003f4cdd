"""Letters to households, on a durable medium: written with the move they tell, sent by a job."""
