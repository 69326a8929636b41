package ingress

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"strings"

	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
)

type sources struct {
	classes   networkinglisters.IngressClassLister
	ingresses networkinglisters.IngressLister
	services  corelisters.ServiceLister
	slices    discoverylisters.EndpointSliceLister
}

// route is one path of one ingress, and the pods behind it that are ready.
type route struct {
	host, path string
	exact      bool
	addresses  []string
}

// table has the routes, what fits more narrowly before what fits more widely.
type table struct{ routes []route }

func (t *table) find(host, path string) (route, bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, one := range t.routes {
		if fitsHost(one.host, strings.ToLower(host)) && fitsPath(one, path) {
			return one, true
		}
	}
	return route{}, false
}

func fitsHost(rule, host string) bool {
	if suffix, wild := strings.CutPrefix(rule, "*."); wild {
		first, rest, _ := strings.Cut(host, ".")
		return first != "" && rest == suffix
	}
	return rule == "" || rule == host
}

// fitsPath compares element by element: the prefix /v1 fits /v1 and /v1/iris, and not /v10.
func fitsPath(one route, path string) bool {
	if one.exact {
		return one.path == path
	}
	prefix := strings.TrimSuffix(one.path, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func (s sources) table() (*table, error) {
	classes, err := s.classes.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	ours, isDefault := map[string]bool{}, false
	for _, class := range classes {
		if class.Spec.Controller == Controller {
			ours[class.Name] = true
			isDefault = isDefault || class.Annotations[networking.AnnotationIsDefaultIngressClass] == "true"
		}
	}
	ingresses, err := s.ingresses.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	made := &table{}
	for _, ingress := range ingresses {
		if class := ingress.Spec.IngressClassName; (class == nil && !isDefault) || (class != nil && !ours[*class]) {
			continue
		}
		for _, rule := range ingress.Spec.Rules {
			if rule.HTTP == nil {
				continue
			}
			for _, path := range rule.HTTP.Paths {
				made.add(s, ingress.Namespace, rule.Host, path)
			}
		}
		if backend := ingress.Spec.DefaultBackend; backend != nil {
			made.add(s, ingress.Namespace, "", networking.HTTPIngressPath{Path: "/", Backend: *backend})
		}
	}
	slices.SortStableFunc(made.routes, func(a, b route) int {
		return cmp.Or(rank(a.host)-rank(b.host), len(b.host)-len(a.host), len(b.path)-len(a.path), before(a.exact, b.exact))
	})
	return made, nil
}

func rank(host string) int {
	if host == "" {
		return 2
	}
	if strings.HasPrefix(host, "*.") {
		return 1
	}
	return 0
}

func before(a, b bool) int {
	if a == b {
		return 0
	}
	if a {
		return -1
	}
	return 1
}

func (t *table) add(from sources, namespace, host string, path networking.HTTPIngressPath) {
	exact := path.PathType != nil && *path.PathType == networking.PathTypeExact
	one := route{host: strings.ToLower(host), path: path.Path, exact: exact}
	if one.path == "" {
		one.path = "/"
	}
	if path.Backend.Service != nil {
		one.addresses = from.addresses(namespace, path.Backend.Service)
	}
	t.routes = append(t.routes, one)
}

// addresses are those of the pods behind a service's port that are ready.
func (s sources) addresses(namespace string, backend *networking.IngressServiceBackend) []string {
	service, err := s.services.Services(namespace).Get(backend.Name)
	if err != nil {
		return nil
	}
	var found []string
	for _, port := range service.Spec.Ports {
		if port.Name != backend.Port.Name && port.Port != backend.Port.Number {
			continue
		}
		parts, err := s.slices.EndpointSlices(namespace).List(labels.Set{discovery.LabelServiceName: backend.Name}.AsSelector())
		if err != nil {
			return nil
		}
		for _, part := range parts {
			for _, there := range part.Ports {
				if there.Name == nil || *there.Name != port.Name || there.Port == nil {
					continue
				}
				for _, endpoint := range part.Endpoints {
					if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
						found = append(found, net.JoinHostPort(endpoint.Addresses[0], strconv.Itoa(int(*there.Port))))
					}
				}
			}
		}
	}
	slices.Sort(found)
	return found
}
