module rig/crds

go 1.26.0

// Only the CRDs that lie in these modules are used: nothing is compiled.
require (
	github.com/external-secrets/external-secrets v1.3.2
	github.com/prometheus-operator/prometheus-operator v0.92.0
)
