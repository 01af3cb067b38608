// Packs a folder with Go's archive/tar, extended attributes and all, as containerd's exporters do.
package main

import (
	"archive/tar"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	out := tar.NewWriter(os.Stdout)
	seen := map[uint64]string{}
	must(filepath.Walk(os.Args[1], func(path string, info os.FileInfo, err error) error {
		must(err)
		link := ""
		if info.Mode()&os.ModeSymlink != 0 {
			link, err = os.Readlink(path)
			must(err)
		}
		header, err := tar.FileInfoHeader(info, link)
		must(err)
		header.Name = path
		if info.IsDir() {
			header.Name += "/"
		}
		header.Uname, header.Gname = "", ""
		header.Format = tar.FormatPAX
		stat := info.Sys().(*syscall.Stat_t)
		if first, ok := seen[stat.Ino]; ok && info.Mode().IsRegular() {
			header.Typeflag, header.Linkname, header.Size = tar.TypeLink, first, 0
		}
		seen[stat.Ino] = path
		for _, name := range []string{"trusted.overlay.opaque", "trusted.overlay.origin", "security.capability"} {
			value := make([]byte, 256)
			if info.Mode()&os.ModeSymlink == 0 {
				if n, err := syscall.Getxattr(path, name, value); err == nil {
					if header.PAXRecords == nil {
						header.PAXRecords = map[string]string{}
					}
					header.PAXRecords["SCHILY.xattr."+name] = string(value[:n])
				}
			}
		}
		must(out.WriteHeader(header))
		if header.Typeflag == tar.TypeReg {
			file, err := os.Open(path)
			must(err)
			_, err = io.Copy(out, file)
			must(err)
			must(file.Close())
		}
		return nil
	}))
	must(out.Close())
}
