package auth

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
)

// Costs is what one hash takes of the machine.
type Costs struct {
	MemoryKiB  uint32
	Iterations uint32
}

// Cost is what new hashes take: 19 MiB and two passes, OWASP's first choice for argon2id, some 55 ms. Tests lower it in
// TestMain. A stored hash keeps the cost that it was made with.
var Cost = Costs{MemoryKiB: 19 * 1024, Iterations: 2}

// Bounds of a password's length in characters. The upper one bounds the work of a hostile request.
const (
	minPassword = 12
	maxPassword = 256
)

// turns caps how many hashes are made at once, so that a burst of logins cannot take the memory and the processors from
// the SIP core.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

func takeTurn() (done func()) {
	turns <- struct{}{}
	return func() { <-turns }
}

// Hash returns the argon2id hash of a password in its standard text form.
func Hash(password string) (string, error) {
	defer takeTurn()()
	hash, err := argon2id.CreateHash(password, &argon2id.Params{
		Memory: Cost.MemoryKiB, Iterations: Cost.Iterations, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// dummy is compared against when the name is unknown, so that the answer takes as long as for a name that exists.
var dummy = sync.OnceValues(func() (string, error) { return Hash("nobody's password") })

// Verify reports whether the password is the one that was hashed. With an empty hash, for a name that does not exist, it
// takes the same time and says no.
func Verify(password, hash string) bool {
	known := hash != ""
	if !known {
		var err error
		if hash, err = dummy(); err != nil {
			return false
		}
	}
	if utf8.RuneCountInString(password) > maxPassword {
		password = ""
	}
	defer takeTurn()()
	same, err := argon2id.ComparePasswordAndHash(password, hash)
	return known && same && err == nil
}

// guessable are words that stand in the first guesses of anybody who attacks this console.
var guessable = []string{"isthmus", "password", "passwort", "administrator", "admin", "cisco", "skype", "lync", "microsoft",
	"welcome", "letmein", "changeme", "qwertyuiop", "qwerty", "asdfghjkl", "abcdefgh", "0123456789", "1234567890", "123456789",
	"12345678", "123456", "1234"}

// CheckPassword holds the rules for a new password of the named administrator. The error is a whole sentence. Any
// characters are allowed and nothing is trimmed.
func CheckPassword(password, name string) error {
	length := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return fmt.Errorf("This password holds bytes that are no characters; enter another.")
	case length < minPassword:
		return fmt.Errorf("A password has at least %d characters; three or four words that do not belong together are a good one.", minPassword)
	case length > maxPassword:
		return fmt.Errorf("A password has at most %d characters; enter a shorter one.", maxPassword)
	case distinct(password) < 5:
		return fmt.Errorf("This password repeats a few characters; three or four words that do not belong together are a good one.")
	case utf8.RuneCountInString(withoutGuesses(password, name)) < minPassword/2:
		return fmt.Errorf("This password is little more than your name or a word that everybody tries first; three or four other words are a good one.")
	}
	return nil
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// withoutGuesses is what of a password is left when the name and the words that everybody tries are taken out.
func withoutGuesses(password, name string) string {
	rest := strings.ToLower(password)
	if name = strings.ToLower(strings.TrimSpace(name)); len(name) > 2 {
		rest = strings.ReplaceAll(rest, name, "")
	}
	for _, word := range guessable {
		rest = strings.ReplaceAll(rest, word, "")
	}
	return rest
}

// CheckName holds the rules for an administrator's name and returns its stored form, in lower case. The error is a whole
// sentence.
func CheckName(name string) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	allowed := func(r rune) bool { return strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-_@", r) }
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return !allowed(r) }) {
		return "", fmt.Errorf("A name has 1 to 64 letters, digits, dots, hyphens, underscores and at signs, such as ann.")
	}
	return name, nil
}
