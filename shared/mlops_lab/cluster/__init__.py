"""A stand-in for the API server of Kubernetes, which plays rollouts from a script.

It knows one Deployment `ml-api` per namespace, and the calls that a rollout makes: read, list, watch and change the
Deployment, list its ReplicaSets and pods, ask through its Service. No pod runs anywhere. `plays` says how a rollout
goes, `stage` what one namespace is in, `patches` what a change does, `objects` what the API answers, `api` speaks HTTP.
"""
