// stats FILE...: what bbolt's Bucket.Stats says of the root bucket of each file, and of each bucket in it, as JSON.
package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

type stats struct {
	Root    bolt.BucketStats
	Buckets map[string]bolt.BucketStats
}

func main() {
	all := map[string]stats{}
	for _, path := range os.Args[1:] {
		db, err := bolt.Open(path, 0o400, &bolt.Options{ReadOnly: true})
		must(err)
		must(db.View(func(tx *bolt.Tx) error {
			found := stats{Root: tx.Cursor().Bucket().Stats(), Buckets: map[string]bolt.BucketStats{}}
			must(tx.ForEach(func(name []byte, b *bolt.Bucket) error {
				found.Buckets[string(name)] = b.Stats()
				return nil
			}))
			all[filepath.Base(path)] = found
			return nil
		}))
		must(db.Close())
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	must(out.Encode(all))
}
