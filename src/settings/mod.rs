//! `dpb.yaml`: names, sizes, versions, endpoints, each with a default, an explanation and its origin.
