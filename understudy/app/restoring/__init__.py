"""`understudy positions restore`: where a group stopped, from what it left behind."""
