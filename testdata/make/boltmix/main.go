// boltmix: healthy databases of programs that use all that the library offers, for rules that must be silent on them.
//
//	boltmix [-freelist array|hashmap] [-unsynced] [-seed N] [-files N] FOLDER
//
// Each file (FOLDER/SEED.db) comes from a seed of its own, which also draws what the program is like: many small keys in
// order that are compacted away (as etcd has them), or buckets in buckets that come, go, are emptied and made again in
// one transaction, renamed (MoveBucket, where the library has it), with sequences that are set at will, values beside
// buckets and values of many pages. Readers stay open for a while, the database is closed and opened again, and it ends
// at any transaction.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

var (
	freelist = flag.String("freelist", "array", "how the library keeps free pages")
	unsynced = flag.Bool("unsynced", false, "NoFreelistSync")
	seed     = flag.Int64("seed", 1, "of the first file")
	files    = flag.Int("files", 1, "how many")
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// What can hold buckets.
type parent interface {
	Bucket([]byte) *bolt.Bucket
	CreateBucketIfNotExists([]byte) (*bolt.Bucket, error)
	DeleteBucket([]byte) error
}

type mix struct {
	random  *rand.Rand
	file    string
	db      *bolt.DB
	readers []*bolt.Tx
	large   bool
	next    int
}

func (m *mix) open() {
	pages := []int{4096, 4096, 4096, 1024, 16384}
	db, err := bolt.Open(m.file, 0o600, &bolt.Options{
		NoFreelistSync:  *unsynced,
		FreelistType:    bolt.FreelistType(*freelist),
		PageSize:        pages[m.random.Intn(len(pages))],
		NoGrowSync:      true,
		// A reader would keep a larger map from being made.
		InitialMmapSize: 1 << 28,
	})
	must(err)
	db.NoSync = true
	db.AllocSize = 1 << 17
	m.db = db
}

func (m *mix) key(kind string) []byte {
	return []byte(fmt.Sprintf("%s-%03d", kind, m.random.Intn(60)))
}

func (m *mix) value() []byte {
	size := m.random.Intn(200)
	switch m.random.Intn(12) {
	case 0:
		size = m.random.Intn(3000)
	case 1:
		if m.large {
			size = m.random.Intn(30000)
		}
	case 2:
		size = 0
	}
	// Easy to pack: what stands in it does not matter.
	return bytes.Repeat([]byte{byte(m.random.Intn(256))}, size)
}

func (m *mix) name() []byte { return []byte(fmt.Sprintf("bucket-%d", m.random.Intn(6))) }

// A bucket somewhere, at most four deep.
func (m *mix) somewhere(tx *bolt.Tx) *bolt.Bucket {
	bucket, err := tx.CreateBucketIfNotExists(m.name())
	must(err)
	for depth := m.random.Intn(4); depth > 0; depth-- {
		inner, err := bucket.CreateBucketIfNotExists(m.name())
		must(err)
		bucket = inner
	}
	return bucket
}

// What is done to buckets as a whole comes first in a transaction: the library leaks pages of a bucket that goes after
// something in it was changed.
func (m *mix) step(tx *bolt.Tx, first bool) {
	bucket := m.somewhere(tx)
	what := m.random.Intn(24)
	if !first && (what < 2 || what == 5) {
		what = 23
	}
	switch what {
	case 0:
		// Emptied, and made again in the same transaction: the sequence starts anew.
		name := m.name()
		if bucket.Bucket(name) != nil {
			must(bucket.DeleteBucket(name))
			if m.random.Intn(2) == 0 {
				_, err := bucket.CreateBucket(name)
				must(err)
			}
		}
	case 1:
		name := m.name()
		if tx.Bucket(name) != nil && m.random.Intn(3) == 0 {
			must(tx.DeleteBucket(name))
		}
	case 2:
		must(bucket.SetSequence(uint64(m.random.Intn(100))))
	case 3, 4:
		_, err := bucket.NextSequence()
		must(err)
	case 5:
		mover, ok := any(bucket).(interface {
			MoveBucket([]byte, *bolt.Bucket) error
		})
		if name := m.name(); ok && bucket.Bucket(name) != nil {
			if to := m.somewhere(tx); to != bucket && to.Bucket(name) == nil {
				// It refuses what makes no sense, like a bucket that is to go into itself.
				_ = mover.MoveBucket(name, to)
			}
		}
	case 6, 7, 8, 9, 10:
		cursor := bucket.Cursor()
		if key, value := cursor.Seek(m.key("key")); key != nil && value != nil {
			must(bucket.Delete(append([]byte{}, key...)))
		}
	default:
		must(bucket.Put(m.key("key"), m.value()))
	}
}

// As etcd: revisions in one bucket, some metadata in others, and compactions.
func (m *mix) revision(tx *bolt.Tx) {
	keys, err := tx.CreateBucketIfNotExists([]byte("key"))
	must(err)
	meta, err := tx.CreateBucketIfNotExists([]byte("meta"))
	must(err)
	_, err = tx.CreateBucketIfNotExists([]byte("lease"))
	must(err)
	m.next++
	must(keys.Put([]byte(fmt.Sprintf("%016x_", m.next)), m.value()))
	must(meta.Put([]byte("consistent_index"), []byte(fmt.Sprintf("%08d", m.next))))
	if m.random.Intn(40) == 0 {
		cursor := keys.Cursor()
		for key, _ := cursor.First(); key != nil && m.random.Intn(30) != 0; key, _ = cursor.Next() {
			must(cursor.Delete())
		}
	}
}

func (m *mix) close() {
	for _, tx := range m.readers {
		must(tx.Rollback())
	}
	m.readers = nil
	must(m.db.Close())
}

func (m *mix) run() {
	m.open()
	kind, most := m.random.Intn(3), 1+m.random.Intn(12)
	reads := m.random.Intn(3) == 0
	for left := 2 + m.random.Intn(150); left > 0; left-- {
		if reads && m.random.Intn(10) == 0 && len(m.readers) < 3 {
			tx, err := m.db.Begin(false)
			must(err)
			m.readers = append(m.readers, tx)
		}
		if len(m.readers) > 0 && m.random.Intn(12) == 0 {
			must(m.readers[0].Rollback())
			m.readers = m.readers[1:]
		}
		if m.random.Intn(40) == 0 {
			m.close()
			m.open()
		}
		must(m.db.Update(func(tx *bolt.Tx) error {
			first := true
			for steps := m.random.Intn(most) + 1; steps > 0; steps-- {
				if kind == 0 {
					m.revision(tx)
				} else {
					m.step(tx, first)
					first = false
				}
			}
			return nil
		}))
	}
	m.close()
}

func main() {
	flag.Parse()
	folder := flag.Arg(0)
	must(os.MkdirAll(folder, 0o755))
	for number := *seed; number < *seed+int64(*files); number++ {
		file := filepath.Join(folder, fmt.Sprintf("%04d.db", number))
		must(os.RemoveAll(file))
		random := rand.New(rand.NewSource(number))
		m := &mix{random: random, file: file, large: random.Intn(2) == 0}
		m.run()
	}
}
