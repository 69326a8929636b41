// Package ingress is the ingress controller of the offline cluster. It is small, and it stands where Traefik stands on
// kind: it knows hosts (also `*.example.com`), the path types `Exact` and `Prefix`, ports by name and by number, and
// sends each request to a pod that is ready. It knows no TLS and no annotations.
package ingress

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Controller is what an IngressClass names for its ingresses to be served here.
const Controller = "mlops-lab.example/ingress"

// Run serves until ctx ends.
func Run(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("ingress", flag.ContinueOnError)
	listen := flags.String("listen", ":8080", "where requests come in")
	health := flags.String("health", ":8081", "where /readyz answers")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}

	var routes atomic.Pointer[table]
	routes.Store(&table{})
	changed := make(chan struct{}, 1)
	tell := func(any) {
		select {
		case changed <- struct{}{}:
		default: // it is told already
		}
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	seen := sources{
		classes:   factory.Networking().V1().IngressClasses().Lister(),
		ingresses: factory.Networking().V1().Ingresses().Lister(),
		services:  factory.Core().V1().Services().Lister(),
		slices:    factory.Discovery().V1().EndpointSlices().Lister(),
	}
	synced := []cache.InformerSynced{}
	for _, informer := range []cache.SharedIndexInformer{
		factory.Networking().V1().IngressClasses().Informer(), factory.Networking().V1().Ingresses().Informer(),
		factory.Core().V1().Services().Informer(), factory.Discovery().V1().EndpointSlices().Informer(),
	} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: tell, UpdateFunc: func(_, now any) { tell(now) }, DeleteFunc: tell,
		}); err != nil {
			return err
		}
		synced = append(synced, informer.HasSynced)
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return errors.New("the API did not tell of ingresses and endpoints")
	}
	if made, err := seen.table(); err == nil {
		routes.Store(made)
	}
	go func() {
		for range changed {
			if made, err := seen.table(); err == nil {
				routes.Store(made)
			} else {
				fmt.Println("ingress: the old routes stay:", err)
			}
		}
	}()

	probe := http.NewServeMux()
	probe.HandleFunc("/readyz", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, "ok") })
	failed := make(chan error, 2)
	front := &http.Server{Addr: *listen, Handler: newProxy(&routes)}
	for _, server := range []*http.Server{front, {Addr: *health, Handler: probe}} {
		go func() { failed <- server.ListenAndServe() }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return front.Shutdown(last)
	}
}
