#!/bin/sh
# Process 1 of a node, in its own network, mount, process, host name and IPC namespaces. When it ends, the kernel ends
# every process of the node: that is how a node fails here.
#   node.sh NAME ADDRESS FOLDER PROGRAMS SERVICES IMAGE.tar...
set -eu
name=$1 address=$2 folder=$3 services=$5
PATH=$4:$PATH
shift 5

mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p "$folder/var-log/pods" "$folder/var-log/containers" "$folder/kubelet" /run/containerd
mount --bind "$folder/var-log" /var/log
mount --make-rshared /
hostname "$name"

containerd --config "$folder/containerd.toml" >>"$folder/containerd.log" 2>&1 &
images "$@" >>"$folder/images.log" 2>&1  # waits until containerd answers

again() {  # what ends is started again, as a system's own manager would do
    part=$1
    while :; do
        "$@" >>"$folder/$part.log" 2>&1 || true
        sleep 1
    done
}
again kube-proxy --config="$folder/kube-proxy.yaml" &
again policy -kubeconfig "$folder/policy.kubeconfig" -node "$name" -services "$services" &
again kubelet --config="$folder/kubelet.yaml" --kubeconfig="$folder/kubelet.kubeconfig" --root-dir="$folder/kubelet" \
    --hostname-override="$name" --node-ip="$address" --cert-dir="$folder/pki"
