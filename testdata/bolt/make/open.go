// open FILE: opens a file for writing, as a daemon does, and says what became of it.
package main

import (
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
)

func main() {
	defer func() {
		if why := recover(); why != nil {
			fmt.Printf("panic: %v\n", why)
			os.Exit(3)
		}
	}()
	_, err := bolt.Open(os.Args[1], 0o600, &bolt.Options{NoFreelistSync: true, Timeout: time.Second})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(2)
	}
	// What the walk of a file without a freelist finds panics in a goroutine of its own.
	time.Sleep(100 * time.Millisecond)
	fmt.Println("opens")
}
