"""Files on the disk and weights in memory, so that little is fetched and read twice."""
