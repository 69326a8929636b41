// kit is the two programs that need nothing but Go: what holds a pod's namespaces open, and the door into the cluster.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

func main() {
	var err error
	switch {
	case filepath.Base(os.Args[0]) == "pause":
		pause()
	case len(os.Args) > 3 && os.Args[1] == "door":
		err = door(os.Args[2], os.Args[3:])
	default:
		err = fmt.Errorf("usage: pause, or kit door NAMESPACE LISTEN=DIAL…")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kit:", err)
		os.Exit(1)
	}
}

// pause waits for its end. As process 1 it takes in what other processes leave behind.
func pause() {
	children := make(chan os.Signal, 16)
	signal.Notify(children, unix.SIGCHLD)
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, unix.SIGINT, unix.SIGTERM)
	for {
		select {
		case <-ends:
			return
		case <-children:
			for {
				if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 || err != nil {
					break
				}
			}
		}
	}
}

type wish struct {
	address string
	answer  chan net.Conn
}

// door listens on addresses here and dials in another network namespace: `127.0.0.1:16443=127.0.0.1:6443`.
func door(namespace string, pairs []string) error {
	file, err := os.Open(namespace)
	if err != nil {
		return err
	}
	wishes := make(chan wish)
	failed := make(chan error)
	for range 4 {
		go func() {
			runtime.LockOSThread() // a namespace belongs to a thread, and an address without a name is dialled on this one
			if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
				failed <- err
				return
			}
			for one := range wishes {
				to, err := net.ResolveTCPAddr("tcp", one.address)
				if err != nil {
					failed <- err
					return
				}
				if connection, err := net.DialTCP("tcp", nil, to); err == nil {
					one.answer <- connection
				} else {
					one.answer <- nil
				}
			}
		}()
	}
	for _, pair := range pairs {
		here, there, _ := strings.Cut(pair, "=")
		listener, err := net.Listen("tcp", here)
		if err != nil {
			return err
		}
		go func() {
			for {
				visitor, err := listener.Accept()
				if err != nil {
					failed <- err
					return
				}
				go through(visitor, there, wishes)
			}
		}()
	}
	return <-failed
}

func through(visitor net.Conn, address string, wishes chan<- wish) {
	defer visitor.Close()
	answer := make(chan net.Conn)
	wishes <- wish{address, answer}
	inside := <-answer
	if inside == nil {
		visitor.(*net.TCPConn).SetLinger(0) // refused there, so refused here
		return
	}
	defer inside.Close()
	go func() {
		io.Copy(inside, visitor)
		inside.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(visitor, inside)
	visitor.(interface{ CloseWrite() error }).CloseWrite()
}
