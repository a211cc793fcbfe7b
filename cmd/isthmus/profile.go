//go:build profile

package main

import (
	"log"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

// init has serve keep a profile of its processor time, from its start until it is told to end, in the file that
// ISTHMUS_CPU_PROFILE names. It is in no program that is installed: `make profile` builds with it to write bench/isthmus.pgo,
// by which make release lets the compiler know what is called most.
func init() {
	name := os.Getenv("ISTHMUS_CPU_PROFILE")
	if name == "" || len(os.Args) < 2 || os.Args[1] != "serve" {
		return
	}
	file, err := os.Create(name)
	if err != nil {
		log.Fatal(err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		log.Fatal(err)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			log.Fatal(err)
		}
	}()
}
