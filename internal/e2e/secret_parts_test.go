package e2e

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"html"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// protected is a private key as openssl pkcs8 -topk8 writes it under a passphrase (RFC 5958 section 3; RFC 8018 section
// 6.2 with PBKDF2, HMAC-SHA-256 and AES-256-CBC).
func protected(t *testing.T, key crypto.PrivateKey, phrase string) []byte {
	t.Helper()
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	salt, iv, rounds := make([]byte, 16), make([]byte, aes.BlockSize), 2048
	rand.Read(salt)
	rand.Read(iv)
	derived, err2 := pbkdf2.Key(sha256.New, phrase, salt, rounds, 32)
	block, err3 := aes.NewCipher(derived)
	if err != nil || err2 != nil || err3 != nil {
		t.Fatal(err, err2, err3)
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	plain = append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(plain, plain)
	type algorithm = pkix.AlgorithmIdentifier
	random := algorithm{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, Parameters: asn1.NullRawValue}
	derive := algorithm{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, Parameters: nested(t, struct {
		Salt   []byte
		Rounds int
		Random algorithm
	}{salt, rounds, random})}
	encrypt := algorithm{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, Parameters: nested(t, iv)}
	scheme := algorithm{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, Parameters: nested(t, []algorithm{derive, encrypt})}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: nested(t, struct {
		Scheme algorithm
		Sealed []byte
	}{scheme, plain}).FullBytes})
}

func nested(t *testing.T, value any) asn1.RawValue {
	t.Helper()
	der, err := asn1.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return asn1.RawValue{FullBytes: der}
}

// uploads sends a form with files, and returns the status and the page.
func (b *reader) uploads(path string, files map[string][]byte, fields url.Values) (int, string) {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, content := range files {
		part, err := form.CreateFormFile(name, name+".pem")
		if err == nil {
			_, err = part.Write(content)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	for name := range fields {
		if err := form.WriteField(name, fields.Get(name)); err != nil {
			b.t.Fatal(err)
		}
	}
	form.Close()
	return b.answered(b.http.Post(b.site+path, form.FormDataContentType(), &body))
}

func (b *reader) answered(r *http.Response, err error) (int, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	page, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.StatusCode, string(page)
}

var link = regexp.MustCompile(`(?:href|src|action)="(/[^"#]*)`)

// crawls opens every page and file that links lead to, each path with a few of its queries, and returns the paths. The
// answers themselves pass the guard.
func (b *reader) crawls(limit int) (seen map[string]bool) {
	b.t.Helper()
	const queries = 4 // of one path: lists have a link for every order
	seen = map[string]bool{"/": true}
	tries := map[string]int{}
	for next := []string{"/"}; len(next) > 0; next = next[1:] {
		status, page := b.answered(b.http.Get(b.site + next[0]))
		if status >= http.StatusInternalServerError {
			b.t.Errorf("%s answers %d", next[0], status)
		}
		for _, found := range link.FindAllStringSubmatch(page, -1) {
			to := html.UnescapeString(found[1])
			path, _, _ := strings.Cut(to, "?")
			if seen[to] || tries[path] == queries {
				continue
			}
			if len(seen) == limit {
				b.t.Fatalf("more than %d addresses", limit)
			}
			tries[path]++
			seen[to] = true
			next = append(next, to)
		}
	}
	return seen
}

// relay passes on what goes between a node and the database of another, and looks at it. It returns the directory that
// takes the place of the socket's.
func relay(t *testing.T, sockets string, looks func(direction string, to io.Writer) io.Writer) (dir string, octets *atomic.Int64) {
	t.Helper()
	const name = ".s.PGSQL.5432"
	dir, err := os.MkdirTemp("", "isthmus-relay-")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Close()
		os.RemoveAll(dir)
	})
	octets = new(atomic.Int64)
	pass := func(direction string, to, from net.Conn) {
		n, _ := io.Copy(looks(direction, to), from) // it ends when either side has ended
		octets.Add(n)
		to.Close()
		from.Close()
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", filepath.Join(sockets, name))
			if err != nil {
				client.Close()
				continue
			}
			go pass("to the database", server, client)
			go pass("from the database", client, server)
		}
	}()
	return dir, octets
}
