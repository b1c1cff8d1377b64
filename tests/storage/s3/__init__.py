"""The object store on S3: moto's server over a socket or, where one is named, a real one."""
