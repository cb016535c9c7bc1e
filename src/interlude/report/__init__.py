"""The report of a study: one page of HTML with its answer, tables and figures."""
