"""The report of `observer evaluate --report`: one page and its plots."""
