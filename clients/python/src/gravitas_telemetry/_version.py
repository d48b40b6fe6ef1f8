"""The version of the library, which the package has as well."""

__version__ = "0.1.0"
