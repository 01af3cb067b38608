// make KIND PAGE-SIZE FREELIST OUT: small files as bbolt writes them, for testdata/bolt/good.
//
// FREELIST is synced or unsynced. KIND is one of
//
//	empty    a new file, closed at once
//	nested   buckets four deep, inline ones and ones with pages of their own, branches, long values, deletions
//	flat     one bucket with two levels of branches
//	churn    objects as containerd writes them, made and deleted, one transaction each
//
// Everything comes from a fixed seed: the same bbolt writes the same bytes.
package main

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
)

var random = rand.New(rand.NewSource(20261121))

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// octets are varied enough to be told apart, and alike enough to be packed well.
func octets(count int) []byte {
	value := []byte(fmt.Sprintf("%08x", random.Uint32()))
	for len(value) < count {
		value = append(value, value...)
	}
	return value[:count]
}

func bucket(parent interface {
	CreateBucketIfNotExists([]byte) (*bolt.Bucket, error)
}, names ...string) *bolt.Bucket {
	b, err := parent.CreateBucketIfNotExists([]byte(names[0]))
	must(err)
	for _, name := range names[1:] {
		b, err = b.CreateBucketIfNotExists([]byte(name))
		must(err)
	}
	return b
}

func nested(db *bolt.DB) {
	must(db.Update(func(tx *bolt.Tx) error {
		for _, ns := range []string{"default", "k8s.io"} {
			for i := 0; i < 40; i++ {
				name := fmt.Sprintf("object-%04d", i)
				b := bucket(tx, "v1", ns, "objects", name)
				must(b.Put([]byte("createdat"), octets(15)))
				must(b.Put([]byte("size"), binary.AppendUvarint(nil, uint64(i))))
				labels := bucket(b, "labels")
				must(labels.Put([]byte("name"), []byte(name)))
				_, err := labels.NextSequence()
				must(err)
			}
		}
		long := bucket(tx, "v1", "long")
		for i := 0; i < 3; i++ {
			must(long.Put([]byte(fmt.Sprintf("long-%d", i)), octets(3*4096+i)))
		}
		bucket(tx, "v1", "nothing")
		return tx.Bucket([]byte("v1")).Put([]byte("version"), []byte{4})
	}))
	for i := 0; i < 40; i += 3 {
		must(db.Update(func(tx *bolt.Tx) error {
			return bucket(tx, "v1", "k8s.io", "objects").DeleteBucket([]byte(fmt.Sprintf("object-%04d", i)))
		}))
	}
}

func flat(db *bolt.DB, keys int) {
	for from := 0; from < keys; from += 500 {
		must(db.Update(func(tx *bolt.Tx) error {
			b := bucket(tx, "flat")
			for i := from; i < from+500 && i < keys; i++ {
				must(b.Put([]byte(fmt.Sprintf("key-%08d", i)), octets(20)))
			}
			return nil
		}))
	}
}

func churn(db *bolt.DB) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for i := 0; i < 120; i++ {
		must(db.Update(func(tx *bolt.Tx) error {
			objects := bucket(tx, "v1", "k8s.io", "containers")
			name := fmt.Sprintf("container-%06x", i*7919)
			b := bucket(objects, name)
			when, err := now.Add(time.Duration(i) * time.Minute).MarshalBinary()
			must(err)
			must(b.Put([]byte("createdat"), when))
			must(b.Put([]byte("updatedat"), when))
			must(b.Put([]byte("image"), []byte("registry.example/pause:"+strconv.Itoa(i))))
			must(b.Put([]byte("spec"), octets(300)))
			must(bucket(b, "labels").Put([]byte("io.example.name"), []byte(name)))
			if i >= 20 {
				must(objects.DeleteBucket([]byte(fmt.Sprintf("container-%06x", (i-20)*7919))))
			}
			return nil
		}))
	}
}

func main() {
	kind, out := os.Args[1], os.Args[4]
	pageSize, err := strconv.Atoi(os.Args[2])
	must(err)
	unsynced := os.Args[3] == "unsynced"
	_ = os.Remove(out)
	db, err := bolt.Open(out, 0o600, &bolt.Options{PageSize: pageSize, NoFreelistSync: unsynced})
	must(err)
	switch kind {
	case "empty":
	case "nested":
		nested(db)
	case "flat":
		flat(db, 3000)
	case "churn":
		churn(db)
	}
	must(db.Close())
}
