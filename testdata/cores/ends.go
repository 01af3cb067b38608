package main

import (
	"fmt"
	"os"
	"time"
)

type notOpen struct{ path string }

func (n *notOpen) Error() string { return "cannot open " + n.path + ": it is locked" }

//go:noinline
func open(path string) error { return fmt.Errorf("start: %w", &notOpen{path}) }

//go:noinline
func serve(path string) {
	if err := open(path); err != nil {
		panic(err)
	}
}

//go:noinline
func write(into map[string]int) {
	for n := 0; ; n++ {
		into[fmt.Sprint(n%64)] = n
	}
}

//go:noinline
func text(path string) { panic("no snapshotter for " + path) }

func main() {
	switch os.Args[1] {
	case "error":
		go serve("/var/lib/containerd/meta.db")
	case "text":
		go text("k8s.io")
	case "throw":
		both := make(map[string]int)
		for range 4 {
			go write(both)
		}
	case "nil":
		var err *notOpen
		go func() { fmt.Println(err.Error()) }()
	}
	time.Sleep(time.Hour)
}
