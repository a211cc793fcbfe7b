package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/sip/transport"
)

// limitDescriptors leaves this process so many descriptors beyond its lowest free one.
func limitDescriptors(t *testing.T, left int) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	})
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lowered := before
	lowered.Cur = uint64(int(file.Fd()) + left)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lowered); err != nil {
		t.Fatal(err)
	}
}

func TestTheConsoleLeavesDescriptorsToTheDatabaseAndFiles(t *testing.T) {
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var browsers []net.Conn // in the queue, before anybody accepts
	for range 60 {
		c, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		browsers = append(browsers, c)
	}
	limitDescriptors(t, 40)
	_, reserve := transport.Descriptors(tcp)
	taken := make(chan net.Conn, len(browsers))
	go func() {
		for c, err := (sparing{tcp}).Accept(); err == nil; c, err = (sparing{tcp}).Accept() {
			taken <- c
		}
		close(taken)
	}()
	defer func() {
		tcp.Close()
		for c := range taken {
			c.Close()
		}
	}()
	last := browsers[len(browsers)-1]
	if err := last.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := last.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the last of many is not closed: %v", err)
	}
	if len(taken) == 0 {
		t.Error("the console takes nobody")
	}
	left := 0
	for f, err := os.Open(os.DevNull); err == nil; f, err = os.Open(os.DevNull) {
		defer f.Close()
		left++
	}
	if left < reserve/2 || left >= reserve {
		t.Errorf("the console leaves %d descriptors, and not the last half of %d alone", left, reserve)
	}
}

func TestNoDoorTakesAnybodyWhileAnotherWaitsForItsPages(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	site := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(asked); <-answer })
	var list []socket
	for range 2 {
		tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, socket{tcp: tcp})
	}
	s := &server{log: slog.New(slog.DiscardHandler)}
	doors := s.doors(list, site, nil)
	var group sync.WaitGroup
	for _, d := range doors {
		group.Go(func() { d.serve(s.log) })
	}
	group.Go(func() {
		if a, err := http.Get("http://" + doors[0].tcp.Addr().String()); err != nil {
			t.Error("the page under way was cut:", err)
		} else {
			a.Body.Close()
		}
	})
	<-asked
	group.Go(func() { closeDoors(doors) })
	other, closed := doors[1].tcp.Addr().String(), false
	for end := time.Now().Add(closeTimeout / 2); !closed && time.Now().Before(end); {
		c, err := net.Dial("tcp", other)
		if closed = err != nil; !closed {
			c.Close()
		}
	}
	if !closed {
		t.Error("the other door is open still")
	}
	close(answer)
	group.Wait()
}
