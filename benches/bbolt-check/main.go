// bbolt-check FILE [nofreelistsync]: what `bbolt check` does, and nothing else: open read-only, tx.Check(), print.
package main

import (
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

func main() {
	options := &bolt.Options{ReadOnly: true, PreLoadFreelist: true}
	db, err := bolt.Open(os.Args[1], 0o600, options)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer db.Close()
	count := 0
	err = db.View(func(tx *bolt.Tx) error {
		for problem := range tx.Check() {
			fmt.Println(problem)
			count++
		}
		return nil
	})
	if err != nil || count > 0 {
		fmt.Println(count, "errors found", err)
		os.Exit(1)
	}
	fmt.Println("OK")
}
