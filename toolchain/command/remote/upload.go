package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pkg/sftp"
)

// upload copies one source to the host.
func upload(ctx context.Context, what string, to Connection, from source, remotePath string) error {
	host, err := to.dial(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer func() { _ = host.Close() }()
	// Closing the connection interrupts a transfer.
	disarm := context.AfterFunc(ctx, func() { _ = host.Close() })
	defer disarm()
	stop := keepalive(host)
	defer stop()
	files, err := sftp.NewClient(host.Client, sftp.UseConcurrentWrites(true))
	if err != nil {
		return fmt.Errorf("%s to %s: found no SFTP: %w; need the server's sftp subsystem; "+
			"fix: set Subsystem sftp in its sshd_config", what, to.Host, err)
	}
	defer func() { _ = files.Close() }()
	if err = place(files, from, remotePath); err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return fmt.Errorf("%s to %s: %w", what, to.Host, err)
}

// place applies the rules of remotePath, which depend on what exists there.
func place(files *sftp.Client, from source, dest string) error {
	if dest == "" {
		return errors.New("remotePath: found nothing; need a path; fix: set remotePath")
	}
	isDir, exists, err := stat(files, dest)
	if err != nil {
		return err
	}
	if parent := path.Dir(dest); !exists && parent != "." && parent != "/" {
		if err := files.MkdirAll(parent); err != nil {
			return fmt.Errorf("remotePath: directory %s could not be created: %w", parent, err)
		}
	}
	if !from.file {
		if isDir {
			return fmt.Errorf("remotePath: found directory %s; need the path of a file for a text; "+
				"fix: add the file's name", dest)
		}
		return write(files, strings.NewReader(from.text), dest, nil)
	}
	info, err := os.Stat(from.path)
	switch {
	case err != nil:
		return err
	case info.IsDir() && exists && !isDir:
		return fmt.Errorf("remotePath: found a file at %s; need a directory; fix: set remotePath", dest)
	case info.IsDir():
		// "dir" becomes dest/dir; the content of "dir/" goes into dest itself.
		if !strings.HasSuffix(from.path, "/") {
			dest = path.Join(dest, filepath.Base(from.path))
		}
		return sendDir(files, from.path, dest)
	case isDir:
		dest = path.Join(dest, filepath.Base(from.path))
	}
	return sendFile(files, from.path, dest)
}

func sendDir(files *sftp.Client, dir, dest string) error {
	return fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := path.Join(dest, name)
		if !entry.IsDir() {
			return sendFile(files, filepath.Join(dir, name), target)
		}
		if err := files.MkdirAll(target); err != nil {
			return fmt.Errorf("directory %s could not be created: %w", target, err)
		}
		return nil
	})
}

func sendFile(files *sftp.Client, local, dest string) error {
	// Stat before open: open would wait for the writer of a pipe.
	info, err := os.Stat(local)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("source: found %s at %s; need a regular file; fix: leave it out", info.Mode().Type(), local)
	}
	file, err := os.Open(local)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	mode := info.Mode().Perm()
	return write(files, file, dest, &mode)
}

func stat(files *sftp.Client, name string) (isDir, exists bool, err error) {
	info, err := files.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, false, nil
	case err != nil:
		return false, false, fmt.Errorf("%s could not be looked up: %w", name, err)
	default:
		return info.IsDir(), true, nil
	}
}
