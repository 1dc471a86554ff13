"""`understudy status`: what is running, what was owed and answered, and what is wrong."""
