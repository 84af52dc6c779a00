"""The questions of the dashboard, one module for each page: texts of SQL, with their values in them."""
