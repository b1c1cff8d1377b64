"""Secrets that this Atelier is set up with; they are to be found nowhere."""

SET = {
    "MODAL_API_TOKEN": "canary-modal-3f9a7c1e5b",
    "LINK_SIGNING_KEY": "ca9a12" * 11,
    "OPENAI_API_KEY": "sk-canary-openai-71d0",
    "ANTHROPIC_API_KEY": "sk-canary-anthropic-88b2",
    "REPLICATE_API_TOKEN": "r8_canary_replicate_5512",
    "S3_SECRET_KEY": "canary-s3-secret-0b6e",
    "AWS_SECRET_ACCESS_KEY": "canary-aws-secret-19cd",
    "SOMEBODYS_PASSWORD": "canary-somebodys-4477",
}
IN_URLS = {
    "password of DATABASE_URL": "canary-database-2e71",
    "query of MODAL_ENDPOINT_URL": "canary-endpoint-query-9d03",
}
