package keyleak

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"slices"
)

// eachForm names the forms of private keys that need no known key: PEM by its label, and DER by its beginning, so that a
// key that was cut short counts too.
func eachForm(b []byte, add func(string)) {
	if at := pemLabel(b); at >= 0 {
		add("a PEM block of a private key" + after(b, at))
	}
	if at := bytes.Index(b, []byte("PuTTY-User-Key-File")); at >= 0 {
		add("a key file of PuTTY" + after(b, at))
	}
	if at := bytes.Index(b, oidPBES2); at >= 0 {
		add("an encrypted private key in DER (PKCS #8)")
	}
	for i := 0; ; i++ {
		next := bytes.Index(b[i:], []byte{tagInteger, 1})
		if next < 0 {
			return
		}
		i += next
		if form := derForm(b, i); form != "" {
			add(form)
		}
	}
}

// after quotes what stands before a place, to find it by, and nothing of the key.
func after(b []byte, at int) string {
	if at == 0 {
		return ""
	}
	return fmt.Sprintf(" after %q", b[max(0, at-40):at])
}

// pemLabel is where a label such as RSA PRIVATE KEY stands, -1 for nowhere. The blank may have been lost or replaced.
func pemLabel(b []byte) int {
	const first, second = "PRIVATE", "KEY"
	for i := 0; ; i += len(first) {
		next := bytes.Index(b[i:], []byte(first))
		if next < 0 {
			return -1
		}
		i += next
		rest := b[i+len(first):]
		if bytes.HasPrefix(bytes.TrimLeft(rest[:min(len(rest), len(second)+3)], " \t\r\n+_-"), []byte(second)) {
			return i
		}
	}
}

const (
	tagInteger  = 0x02
	tagOctets   = 0x04
	tagSequence = 0x30
)

// oid is the DER of an object identifier.
func oid(numbers ...int) []byte {
	der, err := asn1.Marshal(asn1.ObjectIdentifier(numbers))
	if err != nil {
		panic(err) // ours are constants
	}
	return der
}

// algorithms are those of private keys: RSA (RFC 8017 appendix A.1), RSASSA-PSS, elliptic curves (RFC 5480), DSA, and X25519 to
// Ed448 (RFC 8410).
var algorithms = [][]byte{
	oid(1, 2, 840, 113549, 1, 1, 1), oid(1, 2, 840, 113549, 1, 1, 10), oid(1, 2, 840, 10045, 2, 1), oid(1, 2, 840, 10040, 4, 1),
	oid(1, 3, 101, 110), oid(1, 3, 101, 111), oid(1, 3, 101, 112), oid(1, 3, 101, 113),
}

var oidPBES2 = oid(1, 2, 840, 113549, 1, 5, 13) // RFC 8018 appendix A.4; nothing but secrets is encrypted so

// derForm names the private key whose version stands at b[at:], "" for none.
func derForm(b []byte, at int) string {
	if len(b) < at+5 || !opens(b[:at]) {
		return ""
	}
	version, next, rest := b[at+2], b[at+3], b[at+4:]
	switch {
	case version > 1:
	case next == tagSequence && isAlgorithm(rest):
		return "a private key in DER (PKCS #8)"
	case next == tagInteger && version == 0 && isLarge(rest):
		return "a private key in DER (PKCS #1)"
	case next == tagOctets && version == 1 && bytes.IndexByte([]byte{28, 32, 48, 66}, rest[0]) >= 0: // octets of P-224 to P-521
		return "a private key in DER (SEC 1)"
	}
	return ""
}

// opens reports whether the header of a sequence ends here, with a length of one to four octets.
func opens(b []byte) bool {
	for size := range min(4, len(b)-1) {
		at := len(b) - 2 - size
		if b[at] == tagSequence && (size == 0 && b[at+1] < 0x80 || size > 0 && b[at+1] == byte(0x80+size)) {
			return true
		}
	}
	return false
}

// isAlgorithm reads what follows the tag of an AlgorithmIdentifier. With the parameters of DSA its length has three octets.
func isAlgorithm(b []byte) bool {
	length := 1
	if b[0] == 0x81 || b[0] == 0x82 {
		length += int(b[0] - 0x80)
	}
	b = b[min(length, len(b)):]
	return slices.ContainsFunc(algorithms, func(a []byte) bool { return bytes.HasPrefix(b, a) })
}

// isLarge reads the length of an integer: 512 bits or more.
func isLarge(b []byte) bool { return b[0] >= 0x40 && b[0] < 0x80 || b[0] == 0x81 || b[0] == 0x82 }
