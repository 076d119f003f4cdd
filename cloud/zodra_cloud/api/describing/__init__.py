"""What the description of the API is made of beside the routes: links, and examples."""
