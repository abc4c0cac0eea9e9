"""The documentation as a site: `make docs`, offline, a warning being an error."""

from importlib.metadata import version as installed

project = "bnnhw"
author = "the bnnhw authors"
version = release = installed("bnnhw")
html_title = "bnnhw"

extensions = [
    # Pages are Markdown, as they are read in the repository.
    "myst_parser",
    # The Python API, out of its docstrings.
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    # The command line, out of its commands.
    "sphinx_click",
]
html_theme = "furo"
# Links into a page by its headings, as hosts of repositories make them.
myst_heading_anchors = 4
# An option of a field list is not one of prose.
napoleon_google_docstring = False
autodoc_typehints = "description"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]
html_copy_source = False
