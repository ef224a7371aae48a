"""Pure spatial core: arrays and GeoDataFrames in and out; no database, web, settings or clock."""
