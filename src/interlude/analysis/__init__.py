"""What the tables of scores and trainings say: no torch and no drawing here."""
