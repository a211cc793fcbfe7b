package federation

import (
	"encoding/base64"
	"strings"
)

// keyMisplaced is what to say about a private key in a text that is shown, exported and kept for the record.
const keyMisplaced = "A private key stands here, where everybody who may look would read it, so nothing was kept. Take it out, " +
	"and upload it with the node's certificate alone; when others have seen it, make a new one."

// CheckNoKey refuses a text that holds a private key. The error is the sentence.
func CheckNoKey(text string) error {
	if HoldsPrivateKey(text) {
		return Refuse(keyMisplaced)
	}
	return nil
}

// HoldsPrivateKey reports whether a private key begins in a text: a label of PEM, encrypted or not, or base64 without one.
func HoldsPrivateKey(text string) bool {
	if strings.Contains(text, "PRIVATE KEY") {
		return true
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !isBase64(r) }) {
		for i := range word {
			if (i == 0 || isMark(rune(word[i-1]))) && beginsKey(word[i:]) {
				return true
			}
		}
	}
	return false
}

func isBase64(r rune) bool {
	return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || isMark(r)
}

// isMark is what base64 has beside letters and digits, and what people put between a name and a key.
func isMark(r rune) bool { return strings.ContainsRune("+/-_", r) }

// keyHead is what of a key tells that it is one: 18 octets in base64.
const keyHead = 24

// beginsKey reports whether a word is the beginning of PKCS #8, PKCS #1 or SEC 1: a sequence that starts with the version 0
// or 1, and goes on with a sequence, a large integer or the octets of a curve's key (RFC 5958, RFC 8017 A.1.2, RFC 5915).
func beginsKey(word string) bool {
	if len(word) < keyHead || word[0] != 'M' { // 0x30 begins so
		return false
	}
	der, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(word[:keyHead]))
	if err != nil || der[0] != 0x30 {
		return false
	}
	rest := der[2:]
	if der[1] > 0x80 && der[1] <= 0x83 {
		rest = der[2+der[1]-0x80:]
	}
	return string(rest[:2]) == "\x02\x01" && (rest[2] == 0 && (rest[3] == 0x30 || rest[3] == 0x02 && rest[4] >= 0x40) ||
		rest[2] == 1 && (rest[3] == 0x30 || rest[3] == 0x04 && rest[4] >= 28))
}
