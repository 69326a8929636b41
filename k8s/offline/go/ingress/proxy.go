package ingress

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
	"time"
)

// proxy takes the pods in turn. A pod that cannot be dialled has got nothing of the request, so the next one may have
// it. What breaks later is not tried again: whether it is safe to, only the caller knows.
type proxy struct {
	routes *atomic.Pointer[table]
	turn   atomic.Uint64
	pods   http.RoundTripper
}

func newProxy(routes *atomic.Pointer[table]) http.Handler {
	// Idle connections end here before a server ends them (uvicorn: after 5 s), so no request meets one that just closes.
	pods := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 128, IdleConnTimeout: 2 * time.Second,
	}
	one := &proxy{routes: routes, pods: pods}
	return &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.Out.URL.Scheme, request.Out.Host = "http", request.In.Host
			request.SetXForwarded()
		},
		Transport:    one,
		ErrorHandler: fail,
	}
}

type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return e.text }

func fail(answer http.ResponseWriter, request *http.Request, err error) {
	var known statusError
	if !errors.As(err, &known) {
		known = statusError{http.StatusBadGateway, "the pod did not answer"}
		fmt.Println("ingress:", request.Method, request.URL.Path, err)
	}
	http.Error(answer, known.text, known.code)
}

func (p *proxy) RoundTrip(request *http.Request) (*http.Response, error) {
	found, there := p.routes.Load().find(request.Host, request.URL.Path)
	if !there {
		return nil, statusError{http.StatusNotFound, "no ingress has this host and path"}
	}
	count := uint64(len(found.addresses))
	if count == 0 {
		return nil, statusError{http.StatusServiceUnavailable, "no pod is ready"}
	}
	first := p.turn.Add(1)
	var last error
	for place := range min(count, 3) {
		attempt := request.Clone(request.Context())
		attempt.URL.Host = found.addresses[(first+place)%count]
		if request.Body != nil {
			// A failed dial closes the body, and reads nothing of it. The server closes the real one at the end of all: the
			// transport may still look for its end when the answer is there, and would break the connection off.
			attempt.Body = io.NopCloser(request.Body)
		}
		answer, err := p.pods.RoundTrip(attempt)
		var network *net.OpError
		if !errors.As(err, &network) || network.Op != "dial" {
			return answer, err
		}
		last = err
	}
	return nil, last
}
