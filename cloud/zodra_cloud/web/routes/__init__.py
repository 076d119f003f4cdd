"""The addresses of the pages; each route names the scope it is for."""
