"""The data layer beside the databases' own interfaces and beside Django, SQLAlchemy and psycopg."""
