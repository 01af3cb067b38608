// boltchurn: databases in which objects were made and deleted, and the truth about what was deleted when.
//
//	boltchurn [-tx N] [-live N] [-spec N] [-peak N] [-reader N] [-drain | -waves] [-update] [-unsynced] [-die] [-page-size N] OUT.db TRUTH.jsonl
//
// Objects are as containerd writes them, v1/default/containers/NAME with createdat, updatedat, image, spec, runtime/ and
// labels/, one transaction each. With -drain -live objects are made and then all deleted, in any
// order; with -waves they are made up to -live and deleted down to a third of it, again and again; else each transaction
// makes one and, once there are -live, deletes another. With -update every tenth transaction changes an older object instead. With
// -die one more transaction, which makes an object, loses its meta: the file is as after a crash right before the commit.
//
// TRUTH has one line for each object that was deleted (tx: the transaction that did it), for each version that was
// replaced by -update, and one for the object of -die:
//
//	{"op": "delete"|"update"|"die", "tx": N, "name": S, "keys": {"createdat": HEX, ...}}
//
// keys are those of the object as it was last, labels as "labels/KEY". All bytes come from -seed.
package main

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
)

type line struct {
	Op   string            `json:"op"`
	Tx   int               `json:"tx"`
	Name string            `json:"name"`
	Keys map[string]string `json:"keys"`
}

var (
	transactions = flag.Int("tx", 2000, "transactions")
	alive        = flag.Int("live", 60, "objects that live at once")
	drain        = flag.Bool("drain", false, "make -live objects, then delete all of them")
	waves        = flag.Bool("waves", false, "fill up to -live, delete down to a third of it, and again")
	peak         = flag.Int("peak", 0, "so many objects are made and deleted before: what a busy day leaves in free pages")
	reader       = flag.Int("reader", 0, "a reader stays open for so many transactions: pages freed since are not used again")
	update       = flag.Bool("update", false, "every tenth transaction changes an object")
	unsynced     = flag.Bool("unsynced", false, "NoFreelistSync")
	die          = flag.Bool("die", false, "the last transaction loses its meta")
	spec         = flag.Int("spec", 3000, "bytes of a spec, about; real ones have 4 to 9 KB")
	seed         = flag.Int64("seed", 20261121, "of everything that is random")
	pageSize     = flag.Int("page-size", 4096, "bytes of a page")
	random       *rand.Rand
	truth        *json.Encoder
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func below(bucket interface {
	CreateBucketIfNotExists([]byte) (*bolt.Bucket, error)
}, names ...string) *bolt.Bucket {
	inner, err := bucket.CreateBucketIfNotExists([]byte(names[0]))
	must(err)
	for _, name := range names[1:] {
		inner, err = inner.CreateBucketIfNotExists([]byte(name))
		must(err)
	}
	return inner
}

func containers(tx *bolt.Tx) *bolt.Bucket { return below(tx, "v1", "default", "containers") }

func at(number int) []byte {
	when, err := time.Date(2026, 11, 1, 12, 0, number, random.Intn(1e9), time.UTC).MarshalBinary()
	must(err)
	return when
}

func octets(count int) []byte {
	value := make([]byte, count)
	random.Read(value)
	return []byte(hex.EncodeToString(value))
}

func create(tx *bolt.Tx, name string, number int) {
	object := below(containers(tx), name)
	when := at(number)
	must(object.Put([]byte("createdat"), when))
	must(object.Put([]byte("updatedat"), when))
	must(object.Put([]byte("image"), []byte(fmt.Sprintf("registry.example/app:%d", number%7))))
	must(object.Put([]byte("spec"), octets((*spec+random.Intn(*spec+1))/3)))
	must(below(object, "runtime").Put([]byte("name"), []byte("io.containerd.runc.v2")))
	labels := below(object, "labels")
	must(labels.Put([]byte("io.example.number"), []byte(fmt.Sprint(number))))
}

func change(tx *bolt.Tx, name string, number int) {
	object := containers(tx).Bucket([]byte(name))
	must(object.Put([]byte("updatedat"), at(number)))
	must(below(object, "labels").Put([]byte("io.example.changed"), []byte(fmt.Sprint(number))))
}

func tell(op string, tx *bolt.Tx, txid int, name string) {
	keys := map[string]string{}
	object := containers(tx).Bucket([]byte(name))
	must(object.ForEach(func(key, value []byte) error {
		if value != nil {
			keys[string(key)] = hex.EncodeToString(value)
			return nil
		}
		return object.Bucket(key).ForEach(func(inner, value []byte) error {
			keys[string(key)+"/"+string(inner)] = hex.EncodeToString(value)
			return nil
		})
	}))
	must(truth.Encode(line{op, txid, name, keys}))
}

func remove(tx *bolt.Tx, name string) {
	tell("delete", tx, tx.ID(), name)
	must(containers(tx).DeleteBucket([]byte(name)))
}

func name(number int) string { return fmt.Sprintf("container-%08x", uint32(number)*2654435761) }

func run(db *bolt.DB) {
	numbers := []int{}
	var open *bolt.Tx
	done := 0
	tx := func(work func(tx *bolt.Tx)) {
		if *reader > 0 && done%*reader == 0 {
			if open != nil {
				must(open.Rollback())
			}
			var err error
			open, err = db.Begin(false)
			must(err)
		}
		done++
		must(db.Update(func(t *bolt.Tx) error { work(t); return nil }))
	}
	defer func() {
		if open != nil {
			must(open.Rollback())
		}
	}()
	next, rising := 0, true
	for ; next < *peak; next++ {
		tx(func(t *bolt.Tx) { create(t, name(next), next) })
	}
	for number := 0; number < *peak; number++ {
		tx(func(t *bolt.Tx) { remove(t, name(number)) })
	}
	for count := 0; count < *transactions; count++ {
		if *update && count%10 == 9 && len(numbers) > 0 {
			victim := name(numbers[random.Intn(len(numbers))])
			tx(func(t *bolt.Tx) { tell("update", t, t.ID(), victim); change(t, victim, count) })
			continue
		}
		filling := len(numbers) < *alive
		if *drain {
			filling = next < *peak+*alive
		}
		if *waves {
			rising = rising && len(numbers) < *alive || len(numbers) <= *alive/3
			filling = rising
		}
		if filling || !*drain && !*waves {
			tx(func(t *bolt.Tx) {
				create(t, name(next), next)
				if !filling {
					victim := random.Intn(len(numbers))
					remove(t, name(numbers[victim]))
					numbers = append(numbers[:victim], numbers[victim+1:]...)
				}
			})
			numbers = append(numbers, next)
			next++
			continue
		}
		if len(numbers) == 0 {
			break
		}
		victim := random.Intn(len(numbers))
		tx(func(t *bolt.Tx) { remove(t, name(numbers[victim])) })
		numbers = append(numbers[:victim], numbers[victim+1:]...)
	}
}

// lose puts back the meta that the last transaction replaced, in the file of a database that is closed.
func lose(path string, before []byte) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	must(err)
	_, err = file.WriteAt(before, 0)
	must(err)
	must(file.Close())
}

func main() {
	flag.Parse()
	random = rand.New(rand.NewSource(*seed))
	path := flag.Arg(0)
	out, err := os.Create(flag.Arg(1))
	must(err)
	truth = json.NewEncoder(out)
	_ = os.Remove(path)
	options := &bolt.Options{PageSize: *pageSize, NoFreelistSync: *unsynced, NoSync: true}
	if *reader > 0 {
		options.InitialMmapSize = 1 << 28 // a reader must not stand in the way of a file that grows
	}
	db, err := bolt.Open(path, 0o600, options)
	must(err)
	run(db)
	if *die {
		metas := make([]byte, 2**pageSize)
		file, err := os.Open(path)
		must(err)
		_, err = file.ReadAt(metas, 0)
		must(err)
		must(file.Close())
		must(db.Update(func(t *bolt.Tx) error {
			create(t, "never-was", 99999)
			tell("die", t, t.ID(), "never-was")
			return nil
		}))
		must(db.Close())
		lose(path, metas)
	} else {
		must(db.Close())
	}
	must(out.Close())
}
