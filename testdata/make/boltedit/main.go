// boltedit: bbolt's own view of a bolt file, and edits through bbolt: the oracle of coroner's bolt reader, and the way
// in which testdata gets faults of meaning (an image without a row, a parent cycle) into real databases.
//
//	boltedit check FILE                            tx.Check(): one error a line, then OK or the count; exit 1 if any
//	boltedit dump FILE                             every bucket and key as one JSON line, all bytes in hex
//	boltedit edit [--no-freelist-sync] FILE EDITS  apply EDITS (JSON, below) in one transaction
//
// EDITS is a list of objects:
//
//	{"op": "put",            "bucket": [..], "key": K, "value": V}
//	{"op": "delete",         "bucket": [..], "key": K}
//	{"op": "create-bucket",  "bucket": [..], "key": K}
//	{"op": "delete-bucket",  "bucket": [..], "key": K}
//	{"op": "sequence",       "bucket": [..], "sequence": N}
//
// A key, a value and each step of a bucket's path is a string: taken as it is, or as hex if it starts with "hex:".
package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

type edit struct {
	Op       string   `json:"op"`
	Bucket   []string `json:"bucket"`
	Key      string   `json:"key"`
	Value    string   `json:"value"`
	Sequence uint64   `json:"sequence"`
}

type line struct {
	Bucket   []string `json:"bucket"`
	Key      string   `json:"key"`
	Value    *string  `json:"value"`              // null: a bucket
	Sequence *uint64  `json:"sequence,omitempty"` // of that bucket
	Root     *uint64  `json:"root,omitempty"`     // its page; 0: inline
	Page     string   `json:"page,omitempty"`     // that page's type
}

func octets(text string) ([]byte, error) {
	if after, found := strings.CutPrefix(text, "hex:"); found {
		return hex.DecodeString(after)
	}
	return []byte(text), nil
}

func open(path string, readOnly, noFreelistSync bool) (*bolt.DB, error) {
	return bolt.Open(path, 0o600, &bolt.Options{
		ReadOnly:        readOnly,
		NoFreelistSync:  noFreelistSync,
		PreLoadFreelist: true,
		Timeout:         5 * time.Second,
	})
}

func check(path string) error {
	db, err := open(path, true, false)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		count := 0
		for fault := range tx.Check() {
			fmt.Println(fault)
			count++
		}
		if count > 0 {
			return fmt.Errorf("%d errors found", count)
		}
		fmt.Println("OK")
		return nil
	})
}

func walk(out *json.Encoder, bucket *bolt.Bucket, path []string) error {
	return bucket.ForEach(func(key, value []byte) error {
		name := hex.EncodeToString(key)
		if value != nil {
			text := hex.EncodeToString(value)
			return out.Encode(line{Bucket: path, Key: name, Value: &text})
		}
		return enter(out, bucket.Bucket(key), path, name)
	})
}

func enter(out *json.Encoder, bucket *bolt.Bucket, path []string, name string) error {
	sequence, root := bucket.Sequence(), uint64(bucket.Root())
	page := "inline"
	if root != 0 {
		info, err := bucket.Tx().Page(int(root))
		if err != nil {
			return err
		}
		page = info.Type
	}
	if err := out.Encode(line{Bucket: path, Key: name, Sequence: &sequence, Root: &root, Page: page}); err != nil {
		return err
	}
	inner := append(append([]string{}, path...), name)
	return walk(out, bucket, inner)
}

func dump(path string) error {
	db, err := open(path, true, false)
	if err != nil {
		return err
	}
	defer db.Close()
	out := json.NewEncoder(os.Stdout)
	return db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bolt.Bucket) error {
			return enter(out, bucket, []string{}, hex.EncodeToString(name))
		})
	})
}

// holder is what a transaction and a bucket have in common.
type holder interface {
	Bucket([]byte) *bolt.Bucket
	CreateBucket([]byte) (*bolt.Bucket, error)
	DeleteBucket([]byte) error
}

func apply(tx *bolt.Tx, e edit) error {
	var at holder = tx
	var bucket *bolt.Bucket
	for _, step := range e.Bucket {
		name, err := octets(step)
		if err != nil {
			return err
		}
		if bucket = at.Bucket(name); bucket == nil {
			return fmt.Errorf("no bucket %q", step)
		}
		at = bucket
	}
	key, err := octets(e.Key)
	if err != nil {
		return err
	}
	value, err := octets(e.Value)
	if err != nil {
		return err
	}
	switch e.Op {
	case "create-bucket":
		_, err = at.CreateBucket(key)
		return err
	case "delete-bucket":
		return at.DeleteBucket(key)
	}
	if bucket == nil {
		return errors.New("the root holds buckets only")
	}
	switch e.Op {
	case "put":
		return bucket.Put(key, value)
	case "delete":
		if bucket.Get(key) == nil {
			return fmt.Errorf("no key %q", e.Key)
		}
		return bucket.Delete(key)
	case "sequence":
		return bucket.SetSequence(e.Sequence)
	}
	return fmt.Errorf("no such op: %q", e.Op)
}

func change(path, edits string, noFreelistSync bool) error {
	text, err := os.ReadFile(edits)
	if err != nil {
		return err
	}
	var list []edit
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return err // bbolt would make a new one
	}
	db, err := open(path, false, noFreelistSync)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Update(func(tx *bolt.Tx) error {
		for number, e := range list {
			if err := apply(tx, e); err != nil {
				return fmt.Errorf("edit %d (%s): %w", number, e.Op, err)
			}
		}
		return nil
	})
}

func run(args []string) error {
	usage := errors.New("usage: boltedit check FILE | dump FILE | edit [--no-freelist-sync] FILE EDITS")
	if len(args) < 2 {
		return usage
	}
	switch verb, rest := args[0], args[1:]; {
	case verb == "check" && len(rest) == 1:
		return check(rest[0])
	case verb == "dump" && len(rest) == 1:
		return dump(rest[0])
	case verb == "edit" && len(rest) == 2:
		return change(rest[0], rest[1], false)
	case verb == "edit" && len(rest) == 3 && rest[0] == "--no-freelist-sync":
		return change(rest[1], rest[2], true)
	}
	return usage
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "boltedit:", err)
		os.Exit(1)
	}
}
