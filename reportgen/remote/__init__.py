"""Files on web servers and in S3: their addresses, and how they are read, part by part."""
