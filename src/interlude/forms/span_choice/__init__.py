"""A choice among spans of a text, or none of them: which name does the pronoun stand for?"""
