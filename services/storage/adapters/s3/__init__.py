"""Objects in buckets that speak S3: Cloudflare R2 and its like."""
