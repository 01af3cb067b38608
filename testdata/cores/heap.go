package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
)

type leaf struct{ next *leaf; pad [200]byte }

var keep []any

func main() {
	var list *leaf
	for i := 0; i < 1000; i++ {
		list = &leaf{next: list}
	}
	keep = append(keep, list, make([]byte, 3<<20), make([]*int, 100000))
	for i := 0; i < 500; i++ {
		keep = append(keep, make([]byte, 777))
	}
	file, err := os.Open("/etc/hostname")
	if err != nil {
		panic(err)
	}
	null, _ := os.OpenFile("/dev/null", os.O_RDWR, 0)
	r, w, _ := os.Pipe()
	unix, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	dial, err := net.Dial("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	closed, _ := os.Open("/etc/passwd")
	closed.Close()
	keep = append(keep, file, null, r, w, unix, tcp, dial, closed)
	runtime.GC()
	var m runtime.MemStats
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range fds {
		to, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err == nil {
			fmt.Println("fd", fd.Name(), to)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&m)
	fmt.Println("inuse", m.HeapInuse, "alloc", m.HeapAlloc, "objects", m.HeapObjects, "stacks", m.StackInuse)
	for _, c := range m.BySize {
		if c.Mallocs != c.Frees {
			fmt.Println("class", c.Size, c.Mallocs-c.Frees)
		}
	}
	syscall.Kill(os.Getpid(), syscall.SIGABRT)
	select {}
}
