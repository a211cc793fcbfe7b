package main

import (
	"errors"
	"io"
	"net"
	"os"
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
