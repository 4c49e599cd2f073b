package remote

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/pkg/sftp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

const replaceExtension = "posix-rename@openssh.com"

// write writes a new file beside dest and renames it to dest, so that an
// interrupted transfer leaves the old file whole. Where that is impossible (a
// link or a device, a directory that the user may not write to, a server without
// atomic rename) it writes into the file itself.
func write(files *sftp.Client, content io.Reader, dest string, mode *fs.FileMode) error {
	old, err := files.Lstat(dest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = nil
	case err != nil:
		return fmt.Errorf("%s could not be looked up: %w", dest, err)
	case old.IsDir():
		return fmt.Errorf("%s: found a directory; need a file, or nothing; fix: remove it", dest)
	}
	if mode == nil && old != nil {
		kept := old.Mode().Perm()
		mode = &kept
	}
	_, atomic := files.HasExtension(replaceExtension)
	if !atomic || (old != nil && !old.Mode().IsRegular()) {
		return writeInto(files, content, dest, mode, os.O_TRUNC)
	}
	suffix, err := resource.NewUniqueHex("", 8, 0)
	if err != nil {
		return err
	}
	part := path.Join(path.Dir(dest), "."+path.Base(dest)+".part-"+suffix)
	err = writeInto(files, content, part, mode, os.O_EXCL)
	if old != nil && errors.Is(err, errNotOpened) && errors.Is(err, fs.ErrPermission) {
		return writeInto(files, content, dest, mode, os.O_TRUNC)
	}
	if err == nil {
		keepOwner(files, part, old)
		if err = files.PosixRename(part, dest); err != nil {
			err = fmt.Errorf("%s could not be replaced: %w", dest, err)
		}
	}
	if err != nil && !errors.Is(err, errNotOpened) {
		_ = files.Remove(part)
	}
	return err
}

var errNotOpened = errors.New("could not be opened")

func writeInto(files *sftp.Client, content io.Reader, name string, mode *fs.FileMode, flag int) (err error) {
	file, err := files.OpenFile(name, os.O_WRONLY|os.O_CREATE|flag)
	if err != nil {
		return fmt.Errorf("%s %w: %w", name, errNotOpened, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if mode != nil {
		// Before the content: a private file must never be public.
		if err := file.Chmod(*mode); err != nil {
			return fmt.Errorf("%s: mode %v could not be set: %w", name, *mode, err)
		}
	}
	if _, err := file.ReadFrom(content); err != nil {
		return fmt.Errorf("%s could not be written: %w", name, err)
	}
	return nil
}

// keepOwner gives the new file the owner of the old one, where the login user
// may do so: a file of a user must not become root's.
func keepOwner(files *sftp.Client, name string, old fs.FileInfo) {
	if old == nil {
		return
	}
	if attrs, ok := old.Sys().(*sftp.FileStat); ok {
		_ = files.Chown(name, int(attrs.UID), int(attrs.GID))
	}
}
