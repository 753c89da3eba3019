"""The only client of the API server: connection, login, requests, writes."""
