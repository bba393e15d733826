"""The language of pipeline definitions, schema 2020-12-01: how it is read, checked and evaluated. Nothing here runs."""
