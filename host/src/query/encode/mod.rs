//! Results as JSON, NDJSON, CSV, Arrow and Parquet, chosen by content negotiation.
