"""The report: one HTML file of findings, figures and an explorer of the pockets, from any folders of results."""
