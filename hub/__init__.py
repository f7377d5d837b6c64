"""The district's app: registration of nodes, ingest, statistics, report builder, relay."""
