"""Files in and out: any vector file to a checked layer, and a layer to any of five formats."""
