// addons is what runs in the cluster's own pods, and the enforcer of network policies, in one static binary: the name
// that it is called by, or else its first argument, chooses the part.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/ready"
	genericapiserver "k8s.io/apiserver/pkg/server"
	metricsserver "sigs.k8s.io/metrics-server/cmd/metrics-server/app"

	"mlops-lab/cluster/ingress"
	"mlops-lab/cluster/policy"
)

func main() {
	part := filepath.Base(os.Args[0])
	if part == "addons" && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		part = os.Args[0]
	}
	var err error
	switch part {
	case "coredns":
		coremain.Run()
	case "metrics-server":
		err = metricsserver.NewMetricsServerCommand(genericapiserver.SetupSignalHandler()).Execute()
	case "ingress":
		err = ingress.Run(genericapiserver.SetupSignalContext(), os.Args[1:])
	case "policy":
		err = policy.Run(genericapiserver.SetupSignalHandler(), os.Args[1:])
	default:
		err = fmt.Errorf("usage: addons coredns|metrics-server|ingress|policy …")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, part+":", err)
		os.Exit(1)
	}
}
