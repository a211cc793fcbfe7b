package embedpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the system user that runs the server; Postgres refuses to be run by root.
type account struct {
	name     string
	uid, gid int
}

// serverAccount is this process's own user, or for root postgres, else nobody.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return accountOf(strconv.Itoa(os.Geteuid())), nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return accountFrom(u)
		}
	}
	return account{}, errors.New("the embedded database cannot be run by root, and this machine has neither a user postgres nor a user nobody; " +
		"start isthmus as another user, or give --database-url")
}

// accountOf names a user by number; one without an entry in the user database keeps its number as name.
func accountOf(uid string) account {
	if u, err := user.LookupId(uid); err == nil {
		if a, err := accountFrom(u); err == nil {
			return a
		}
	}
	n, _ := strconv.Atoi(uid)
	return account{name: uid, uid: n, gid: os.Getegid()}
}

func accountFrom(u *user.User) (account, error) {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, fmt.Errorf("the user %s has no numeric id: %w", u.Username, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return account{}, fmt.Errorf("the group of the user %s has no numeric id: %w", u.Username, err)
	}
	return account{name: u.Username, uid: uid, gid: gid}, nil
}

// process makes a command run as the account, in a process group of its own: Control-C at the terminal is
// for isthmus, which closes the cluster after its own work has ended.
func (a account) process() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.uid != os.Geteuid() {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// reaches tries it: mode bits alone miss access lists and file systems with rules of their own.
func (a account) reaches(dir string) bool {
	cmd := exec.Command("/bin/sh", "-c", `cd "$1"`, "sh", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = a.process()
	return cmd.Run() == nil
}

// give hands a file or directory to the account.
func (a account) give(path string) error {
	if a.uid == os.Geteuid() {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// ownDir makes a directory that only the account can enter. One that lies there already must be the
// account's or ours: in /tmp anybody could have made it, to read what we put there.
func ownDir(dir string, a account) error {
	err := os.Mkdir(dir, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a directory for the embedded database: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at a directory of the embedded database: %w", err)
	}
	if uid := ownerOf(info); !info.IsDir() || (uid != a.uid && uid != os.Geteuid()) {
		return fmt.Errorf("%s is not a directory of the user %s, who runs the embedded database; remove it and start again", dir, a.name)
	}
	if err := a.give(dir); err != nil {
		return fmt.Errorf("hand %s to the user %s: %w", dir, a.name, err)
	}
	return os.Chmod(dir, 0o700)
}

func ownerOf(info fs.FileInfo) int {
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// makeDirs is MkdirAll with the mode set in spite of the umask: the server's user must pass through.
func makeDirs(dir string, mode fs.FileMode) error {
	err := os.Mkdir(dir, mode)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		if err := makeDirs(filepath.Dir(dir), mode); err != nil {
			return err
		}
		return makeDirs(dir, mode)
	case err != nil:
		return err
	}
	return os.Chmod(dir, mode)
}
