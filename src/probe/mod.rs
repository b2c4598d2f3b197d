//! Clients that prove a component works: S3, SQL, thrift, HTTP, jobs, exec.
