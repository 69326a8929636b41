// Package policy enforces the network policies on the pods of one node: the firewall of kube-router, without its router
// and its service proxy, which nobody needs here and which take minutes to compile.
package policy

import (
	"flag"
	"fmt"
	"sync"
	"time"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// Run enforces until stop is closed.
func Run(stop <-chan struct{}, arguments []string) error {
	config := options.NewKubeRouterConfig()
	flags := flag.NewFlagSet("policy", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API")
	services := flags.String("services", "", "the range of the services' addresses")
	flags.StringVar(&config.HostnameOverride, "node", "", "the name of this node")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config.ClusterIPCIDRs = []string{*services}
	config.EnableIPv4 = true
	config.IPTablesSyncPeriod = 30 * time.Second

	reach, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(reach)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods().Informer()
	spaces := factory.Core().V1().Namespaces().Informer()
	policies := factory.Networking().V1().NetworkPolicies().Informer()
	factory.Start(stop)
	if !cache.WaitForCacheSync(stop, pods.HasSynced, spaces.HasSynced, policies.HasSynced) {
		return fmt.Errorf("the API did not tell of pods, namespaces and policies")
	}

	tables, sets, err := netpol.NewIPTablesHandlers(config)
	if err != nil {
		return err
	}
	var ipset sync.Mutex
	controller, err := netpol.NewNetworkPolicyController(client, config, pods, policies, spaces, &ipset, tables, sets)
	if err != nil {
		return err
	}
	for informer, handler := range map[cache.SharedIndexInformer]cache.ResourceEventHandler{
		pods: controller.PodEventHandler, spaces: controller.NamespaceEventHandler, policies: controller.NetworkPolicyEventHandler,
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	beats := make(chan *healthcheck.ControllerHeartbeat, 10)
	go func() {
		for range beats { // it tells that it lives; nobody asks here
		}
	}()
	var running sync.WaitGroup
	running.Add(1)
	go controller.Run(beats, stop, &running)
	running.Wait()
	return nil
}
